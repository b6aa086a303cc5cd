"""Calendar grains: the buckets a series is cut into, in the workspace's zone.

All arithmetic here is on naive wall-clock times of the workspace's zone; `period.py`
turns them into instants. A day with 23 or 25 hours is still one day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from analyticspro.errors import UnknownName

__all__ = ["Grain", "WeekStart", "add", "floor"]


class Grain(StrEnum):
    """The length of a bucket, from the finest to the coarsest."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @classmethod
    def parse(cls, text: str) -> Grain:
        """Return the grain named `text`; raises UnknownName with the nearest."""
        try:
            return cls(text)
        except ValueError:
            raise UnknownName.of("grain", text, [grain.value for grain in cls]) from None


class WeekStart(StrEnum):
    """The day a week begins on."""

    MONDAY = "monday"
    SUNDAY = "sunday"


_MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
_SPANS = {
    Grain.HOUR: timedelta(hours=1),
    Grain.DAY: timedelta(days=1),
    Grain.WEEK: timedelta(weeks=1),
}


def floor(at: datetime, grain: Grain, week_start: WeekStart = WeekStart.MONDAY) -> datetime:
    """Return the start of the bucket that holds the wall-clock time `at`.

    >>> floor(datetime(2011, 11, 17, 9, 30), Grain.QUARTER)
    datetime.datetime(2011, 10, 1, 0, 0)
    >>> floor(datetime(2011, 11, 17), Grain.WEEK)
    datetime.datetime(2011, 11, 14, 0, 0)
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    if grain is Grain.HOUR:
        return hour
    day = hour.replace(hour=0)
    if grain is Grain.DAY:
        return day
    if grain is Grain.WEEK:
        since_start = day.weekday() if week_start is WeekStart.MONDAY else (day.weekday() + 1) % 7
        return day - timedelta(days=since_start)
    months = _MONTHS[grain]
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def add(start: datetime, grain: Grain, count: int) -> datetime:
    """Return the bucket start `count` buckets after `start`, which must itself be one.

    >>> add(datetime(2011, 1, 1), Grain.MONTH, -1)
    datetime.datetime(2010, 12, 1, 0, 0)
    """
    if grain in _SPANS:
        return start + _SPANS[grain] * count
    month = start.year * 12 + start.month - 1 + _MONTHS[grain] * count
    return start.replace(year=month // 12, month=month % 12 + 1)
