"""Declared maintenance: when a failed check is nobody's fault."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from analyticspro.connectors.declaration import Declared

__all__ = ["Maintenance"]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _written(value: Any) -> Any:
    """Return a time or a date with a time; a number is neither, though pydantic would read one."""
    if isinstance(value, time | datetime):
        return value
    for kind in (time, datetime):
        try:
            return kind.fromisoformat(value)
        except (TypeError, ValueError):
            continue
    raise ValueError("write a time such as 02:00, or a date with one, such as 2026-03-01T22:00")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no IANA zone; write one such as Europe/London") from None
    return name


Moment = Annotated[time | datetime, BeforeValidator(_written)]


class Maintenance(Declared):
    """A window in which checks are made and kept, and count neither for nor against.

    Attributes:
        starts, ends: Both times of the day, for a window of every week; or both dates with
            times, for one that comes once. It does not hold its end. A window of times
            whose end is not after its start ends on the next day.
        days: Those on which a window of times starts; every day if none is named.
        timezone: Of `starts` and `ends`. A window of times follows the clock on the wall: it
            is an hour longer or shorter in the night in which that is put back or forward.
        monitors: Those it is for; all if none is named.
    """

    name: str = Field(min_length=1, max_length=100)
    starts: Moment
    ends: Moment
    days: tuple[Day, ...] = ()
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    monitors: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if isinstance(self.starts, datetime) != isinstance(self.ends, datetime):
            raise ValueError("starts and ends must both be times, or both be dates with times")
        if isinstance(self.starts, time) and (self.starts.tzinfo or self.ends.tzinfo):
            raise ValueError("a time of the day has no offset; name its zone in timezone")
        if isinstance(self.starts, datetime) and self.days:
            raise ValueError("days are for a window of every week; remove them, or the dates")
        if self.starts == self.ends:
            raise ValueError("starts and ends are the same")
        once = self._once()
        if once is not None and once[0] >= once[1]:
            raise ValueError("ends is before starts")
        return self

    def holds(self, monitor: str, at: datetime) -> bool:
        """Return whether `monitor` is in maintenance at the instant `at`."""
        if self.monitors and monitor not in self.monitors:
            return False
        once = self._once()
        if once is not None:
            return once[0] <= at < once[1]
        assert isinstance(self.starts, time)
        assert isinstance(self.ends, time)
        local = at.astimezone(ZoneInfo(self.timezone))
        clock = local.time()
        if self.starts < self.ends:
            return self._is_on(local) and self.starts <= clock < self.ends
        if clock >= self.starts:
            return self._is_on(local)
        return clock < self.ends and self._is_on(local - timedelta(days=1))

    def _is_on(self, local: datetime) -> bool:
        return not self.days or _DAYS[local.weekday()] in self.days

    def _once(self) -> tuple[datetime, datetime] | None:
        if not (isinstance(self.starts, datetime) and isinstance(self.ends, datetime)):
            return None
        return self._instant(self.starts), self._instant(self.ends)

    def _instant(self, at: datetime) -> datetime:
        aware = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.timezone))
        return aware.astimezone(UTC)
