"""Periods: which stretch of time a question is about, and what it is compared with.

A period is written in the workspace's wall clock and is half open, `[start, end)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain, WeekStart, add, floor

__all__ = ["Period", "comparison", "parse_day", "parse_period", "to_instant", "to_wall"]

FORMS = (
    "2011, 2011-Q4, 2011-11, 2011-W47, 2011-11-05, 2011-01-01..2011-12-01 (end excluded; "
    "either side may be left out), "
    "today, yesterday, this-month, last-month, last-30-days, latest or all"
)


_EARLIEST, _LATEST = datetime(1900, 1, 1), datetime(2201, 1, 1)


@dataclass(frozen=True)
class Period:
    """A stretch of wall-clock time, and how far back its comparable predecessor lies.

    Attributes:
        start: First moment, naive, in the workspace's zone.
        end: First moment after it.
        step: The calendar step (grain and count) from the previous comparable period to
            this one: a month for November, 30 days for the last 30 days.
        name: What the user wrote, in its canonical form, such as `2011-11`.
    """

    start: datetime
    end: datetime
    step: tuple[Grain, int]
    name: str

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Period:
        """Return the period `[start, end)`, compared with as many months, days or hours before.

        >>> Period.between(datetime(2011, 1, 1), datetime(2011, 12, 1)).step
        (<Grain.MONTH: 'month'>, 11)
        """
        if end <= start:
            raise DefinitionError(
                f"The period ends ({end:%Y-%m-%d}) before it starts ({start:%Y-%m-%d}). "
                "The end is excluded, so it must be later than the start."
            )
        name = f"{_brief(start)}..{_brief(end)}"
        if floor(start, Grain.MONTH) == start and floor(end, Grain.MONTH) == end:
            months = (end.year - start.year) * 12 + end.month - start.month
            return cls(start, end, (Grain.MONTH, months), name)
        grain = Grain.DAY if floor(start, Grain.DAY) == start else Grain.HOUR
        unit = timedelta(days=1) if grain is Grain.DAY else timedelta(hours=1)
        return cls(start, end, (grain, -((start - end) // unit)), name)

    @classmethod
    def bucket(cls, at: datetime, grain: Grain, week_start: WeekStart) -> Period:
        """Return the calendar period of length `grain` that holds `at`."""
        start = floor(at, grain, week_start)
        return cls(start, add(start, grain, 1), (grain, 1), _bucket_name(start, grain))


def comparison(
    period: Period, *, until: datetime | None, grain: Grain | None, week_start: WeekStart
) -> tuple[datetime, datetime]:
    """Return the window `[start, end)` that `period` is compared with, as wall-clock times.

    Without a grain the whole period is compared with the one before it. With a grain each
    bucket is compared with the bucket before it, so the window is the period moved back
    by one bucket. Either way the last, incomplete stretch is compared with the same
    elapsed part of its predecessor: 1–9 December with 1–9 November.

    Args:
        period: The period asked about.
        until: Up to when the data is known (exclusive); None if there is none.
        grain: Of the series; None for a single figure.
        week_start: The workspace's.
    """
    known_end = period.end if until is None else max(period.start, min(period.end, until))
    if grain is None:
        first = last = period.start
        step_grain, count = period.step
    else:
        first = floor(period.start, grain, week_start)
        last = floor(max(known_end - timedelta(microseconds=1), first), grain, week_start)
        step_grain, count = grain, 1
    before_first = add(first, step_grain, -count)
    before_last = add(last, step_grain, -count)
    start = min(before_first + (period.start - first), first)
    whole_end = period.end if grain is None else add(last, grain, 1)
    if known_end == whole_end:
        return start, last
    return start, max(start, min(before_last + (known_end - last), last))


def parse_day(text: str) -> datetime:
    """Return the wall-clock time written as `2011-11-05` or `2011-11-05T14:30`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise DefinitionError(
            f"{text!r} is not a date. Write it as 2011-11-05 or 2011-11-05T14:30."
        ) from None
    if at.tzinfo is not None:
        raise DefinitionError(
            f"{text!r} carries a UTC offset. Write it in the workspace's own zone, without one."
        )
    return at


def parse_period(
    text: str,
    *,
    today: datetime,
    week_start: WeekStart = WeekStart.MONDAY,
    extent: tuple[datetime, datetime] | None = None,
) -> Period:
    """Return the period that `text` names; see `FORMS` for what may be written.

    Args:
        text: The name, in any letter case.
        today: The present wall-clock time in the workspace's zone.
        week_start: The workspace's.
        extent: First and last wall-clock time with data; `latest` is the month of the
            last, `all` runs from the day of the first to the day of the last.

    Raises:
        DefinitionError: The text is none of the forms, or reaches out of 1900 to 2200.

    >>> parse_period("2011-Q4", today=datetime(2026, 1, 1)).start
    datetime.datetime(2011, 10, 1, 0, 0)
    """
    try:
        period = _parsed(text, today, week_start, extent)
    except (ValueError, OverflowError):  # a date that the calendar of Python does not reach
        period = None
    if period is None or not _EARLIEST <= period.start < period.end <= _LATEST:
        raise DefinitionError(f"{text!r} is out of range. Periods lie between 1900 and 2200.")
    return period


def _parsed(
    text: str,
    today: datetime,
    week_start: WeekStart,
    extent: tuple[datetime, datetime] | None,
) -> Period:
    word = text.strip().casefold()
    if word in ("latest", "all"):
        first, last = extent or (today, today)
        if word == "latest":
            return Period.bucket(last, Grain.MONTH, week_start)
        day = floor(last, Grain.DAY) + timedelta(days=1)
        whole = Period.between(floor(first, Grain.DAY), day)
        return Period(whole.start, whole.end, whole.step, "all")
    relative = _relative(word, today, week_start)
    if relative is not None:
        return relative
    if ".." in word:
        first, last = extent or (today, today)
        begin, _, stop = word.upper().partition("..")
        start = parse_day(begin) if begin else floor(first, Grain.DAY)
        open_end = max(floor(last, Grain.DAY), start) + timedelta(days=1)
        return Period.between(start, parse_day(stop) if stop else open_end)
    found = _calendar(word)
    if found is None:
        raise DefinitionError(f"No period {text!r}. Write one of: {FORMS}.")
    return Period.bucket(found[0], found[1], week_start)


def _relative(word: str, today: datetime, week_start: WeekStart) -> Period | None:
    if word == "today":
        return Period.bucket(today, Grain.DAY, week_start)
    if word == "yesterday":
        return Period.bucket(today - timedelta(days=1), Grain.DAY, week_start)
    named = re.fullmatch(r"(this|last)-(week|month|quarter|year)", word)
    if named:
        grain = Grain(named[2])
        start = floor(today, grain, week_start)
        return Period.bucket(
            start if named[1] == "this" else add(start, grain, -1), grain, week_start
        )
    days = re.fullmatch(r"last-(\d{1,4})-days", word)
    if days and int(days[1]):
        end = floor(today, Grain.DAY) + timedelta(days=1)
        count = int(days[1])
        return Period(end - timedelta(days=count), end, (Grain.DAY, count), word)
    return None


_FORMS = (
    (r"(\d{4})", Grain.YEAR),
    (r"(\d{4})-q([1-4])", Grain.QUARTER),
    (r"(\d{4})-(\d{2})", Grain.MONTH),
    (r"(\d{4})-w(\d{2})", Grain.WEEK),
    (r"(\d{4})-(\d{2})-(\d{2})", Grain.DAY),
)


def _calendar(word: str) -> tuple[datetime, Grain] | None:
    for pattern, grain in _FORMS:
        match = re.fullmatch(pattern, word)
        if match is None:
            continue
        year, *rest = (int(part) for part in match.groups())
        try:
            if grain is Grain.QUARTER:
                return datetime(year, rest[0] * 3 - 2, 1), grain
            if grain is Grain.WEEK:
                return datetime.fromisocalendar(year, rest[0], 1), grain
            month, day = (*rest, 1, 1)[:2]
            return datetime(year, month, day), grain
        except ValueError:
            return None
    return None


def _bucket_name(start: datetime, grain: Grain) -> str:
    if grain is Grain.QUARTER:
        return f"{start.year}-Q{(start.month + 2) // 3}"
    if grain is Grain.WEEK:
        year, week, _ = (start + timedelta(days=3)).isocalendar()
        return f"{year}-W{week:02d}"
    return {
        Grain.YEAR: f"{start:%Y}",
        Grain.MONTH: f"{start:%Y-%m}",
        Grain.DAY: f"{start:%Y-%m-%d}",
        Grain.HOUR: f"{start:%Y-%m-%dT%H}",
    }[grain]


def _brief(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if floor(at, Grain.DAY) == at else f"{at:%Y-%m-%dT%H:%M}"


def to_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a wall-clock time; the earlier one where it comes twice."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def to_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall-clock time that `instant` has in `zone`, naive."""
    return instant.astimezone(zone).replace(tzinfo=None)
