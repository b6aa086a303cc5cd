"""Which whole buckets of the rollups lie within a cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from analyticspro.grain import Grain
from analyticspro.metrics.cut import Cut
from analyticspro.warehouse import Rolled

__all__ = ["Span", "of_days", "span"]

_LONG = (None, Grain.MONTH, Grain.QUARTER, Grain.YEAR)


@dataclass(frozen=True)
class Span:
    """Whole buckets; what a cut holds before and after them is read from the events.

    Attributes:
        grain: `hour`, `day` or `month`: whose buckets.
        start: First wall-clock moment.
        end: First wall-clock moment after.
    """

    grain: str
    start: datetime
    end: datetime


def span(cut: Cut, rolled: Rolled) -> Span | None:
    """Return the coarsest whole buckets that answer for `cut`; None if none do.

    Days and months are those of the zone that they were made for; the hours of any other zone
    will do where it is whole hours from UTC.
    """
    if rolled.up_to == 0:
        return None
    if cut.grain is not Grain.HOUR and rolled.zone == cut.zone.key:
        months = _within(cut, "month")
        is_all = months and (months.start, months.end) == (cut.start, cut.end) and not cut.ends
        return months if is_all and cut.grain in _LONG else of_days(cut, rolled)
    return _within(cut, "hour") if _has_whole_hours(cut) else None


def of_days(cut: Cut, rolled: Rolled) -> Span | None:
    """Return the whole days within `cut`; None if there are none."""
    if rolled.up_to == 0 or rolled.zone != cut.zone.key:
        return None
    return _within(cut, "day")


def _within(cut: Cut, grain: str) -> Span | None:
    start = _floor(cut.start, grain)
    if start < cut.start:
        start = _next(start, grain)
    end = _floor(min([cut.end, *(end for _, end in cut.ends)]), grain)
    return Span(grain, start, end) if start < end else None


def _floor(at: datetime, grain: str) -> datetime:
    if grain == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if grain == "day" else midnight.replace(day=1)


def _next(at: datetime, grain: str) -> datetime:
    if grain == "month":
        return (at + timedelta(days=32)).replace(day=1)
    return at + (timedelta(hours=1) if grain == "hour" else timedelta(days=1))


def _has_whole_hours(cut: Cut) -> bool:
    """Return whether the zone is whole hours from UTC from the cut's start to its end."""
    day, last = cut.start.date(), cut.end.date()
    days = [date(year, month, 1) for year in range(day.year, last.year + 1) for month in _MONTHS]
    return all(_is_whole(at, cut.zone) for at in [day, last, *days])


def _is_whole(day: date, zone: ZoneInfo) -> bool:
    offset = datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()
    return offset is not None and offset % timedelta(hours=1) == timedelta(0)


_MONTHS = range(1, 13)
