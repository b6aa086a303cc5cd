"""When a schedule's slots are: by cron in a time zone, or every so often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from analyticspro.errors import DefinitionError

__all__ = ["Cron", "Interval", "Trigger", "slots"]

_LONGEST = 200
# Files among the zones that name no place: each machine means something else by them.
_NO_PLACES = ("localtime", "posixrules", "Factory")
# No zone's clock has ever been moved by more within one day.
_NO_TRANSITION_AFTER = timedelta(hours=26)
_FIRST = datetime(2000, 1, 1)


@dataclass(frozen=True)
class Cron:
    """Five cron fields, read on the wall clock of a time zone.

    When clocks change, as in Debian's cron:

    - Fixed times (neither minute nor hour begins with `*`) come once a day. One that does not
      exist comes at the moment the clock jumps to (02:30 in New York: 03:00); several that
      fall on one moment come once. One that exists twice comes the first time.
    - With `*` first in the minute or the hour, every moment at which the wall clock matches
      is a slot: what does not exist is left out, what exists twice comes twice.

    Day of month and day of week must both match if either begins with `*`, else one is
    enough. `L` is a month's last day, `FRI#2` its second Friday, `5L` its last Friday.

    Source:
        Debian's cron(8); expressions as `cronsim` reads them.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            if self.timezone in _NO_PLACES:
                raise ValueError
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise DefinitionError(
                f"Time zone {self.timezone!r} is no IANA zone. Write one such as Europe/London."
            ) from None
        fields = self.expression.split()
        if len(fields) != 5 or len(self.expression) > _LONGEST:
            raise DefinitionError(
                f"Cron {self.expression[:_LONGEST]!r} must have five fields: minute, hour, day "
                "of month, month, day of week, such as '30 6 * * MON-FRI'."
            )
        try:
            self._walls(_FIRST)
        except (CronSimError, ValueError) as error:
            raise DefinitionError(
                f"Cron {self.expression!r}: {str(error).lower()}. Write it as in "
                "'30 6 * * MON-FRI': minute, hour, day of month, month, day of week."
            ) from None

    def after(self, instant: datetime) -> datetime | None:
        """Return the first slot after `instant`, in UTC; None if there is none."""
        best: datetime | None = None
        for wall in self._walls(self._wall_before(instant)):
            first, second = self._instants(wall)
            if best is not None and first >= best:
                break  # a later wall time cannot come earlier
            for slot in self._accepted(wall, first, second):
                if slot > instant and (best is None or slot < best):
                    best = slot
        return best

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def _wall_before(self, instant: datetime) -> datetime:
        """Return a wall time such that everything up to it has been by `instant`."""
        wall = instant.astimezone(self._zone)
        later = instant + _NO_TRANSITION_AFTER
        # Clocks about to be set back will show some times again.
        back = max(_offset(instant, self._zone) - _offset(later, self._zone), timedelta(0))
        return (wall - back).replace(tzinfo=None)

    def _walls(self, after: datetime) -> Iterator[datetime]:
        # Without a zone cronsim only counts; what a clock change means is decided here.
        # Its own way passes over 03:00 in '*/30 3' when Lord Howe sets its clocks back.
        return CronSim(self.expression, after)

    def _instants(self, wall: datetime) -> tuple[datetime, datetime]:
        """Return when the wall clock shows `wall`: first and second time, mostly equal.

        If it never does, the moment it jumps past it, twice.
        """
        zone = self._zone
        early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if late < early:  # in a gap
            jump = _jump(zone, late, early)
            return jump, jump
        return early, late

    def _accepted(self, wall: datetime, first: datetime, second: datetime) -> tuple[datetime, ...]:
        minute, hour, *_ = self.expression.split()
        if not (minute.startswith("*") or hour.startswith("*")):
            return (first,)
        exists = first.astimezone(self._zone).replace(tzinfo=None) == wall
        return (first, second) if exists else ()


@dataclass(frozen=True)
class Interval:
    """Every so often, counted from `anchor` both ways; clock changes play no part.

    From the default anchor, every 15 minutes means on the quarter hours of UTC.
    """

    every: timedelta
    anchor: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if self.every < timedelta(seconds=1) or self.every % timedelta(seconds=1):
            raise DefinitionError(
                f"Every {self.every} is no interval; it must be whole seconds, at least one."
            )
        if self.anchor.tzinfo is None:
            raise DefinitionError(f"The anchor {self.anchor} has no time zone. Write one.")

    def after(self, instant: datetime) -> datetime:
        """Return the first slot after `instant`, in UTC."""
        anchor = self.anchor.astimezone(UTC)
        passed = (instant.astimezone(UTC) - anchor) // self.every
        return anchor + (passed + 1) * self.every


Trigger = Cron | Interval


def slots(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the slots after `after` up to `until`, the latter inclusive, in order.

    >>> nightly = Cron("30 2 * * *", "America/New_York")
    >>> march = slots(nightly, datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    >>> [f"{slot:%d %H:%M}" for slot in march]
    ['07 07:30', '08 07:00']
    """
    slot = trigger.after(after)
    while slot is not None and slot <= until:
        yield slot
        slot = trigger.after(slot)


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the moment between two at which the clock of `zone` jumps, to the second."""
    low, high = int(before.timestamp()), int(after.timestamp())
    was = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == was:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
