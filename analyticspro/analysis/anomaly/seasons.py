"""What is usual at this hour of the day and at this hour of the week.

A daily series has one bucket a day, so that its hour of the week is its weekday.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime
from typing import Any

from analyticspro.analysis.anomaly.windows import Window, middle, spread

__all__ = ["Days", "Weeks"]

_LEAST_DAYS = 3
_LEAST_WEEKS = 3


class Days:
    """The last 60 values of each hour of the day, once there are three days of them."""

    __slots__ = ("_days", "_seen", "_slots")

    def __init__(self) -> None:
        self._slots: dict[int, Window] = {}
        self._days: dict[int, int] = {}
        self._seen: dict[int, date] = {}

    def expected(self, at: datetime) -> tuple[float, float] | None:
        """Return centre and spread at this hour; None if too little is known."""
        slot = self._slots.get(at.hour)
        if slot is None or len(slot) < 8 or self._days[at.hour] < _LEAST_DAYS:
            return None
        return middle(slot.ordered), spread(slot.ordered)

    def add(self, at: datetime, value: float) -> None:
        """Learn one value."""
        hour, day = at.hour, at.date()
        if hour not in self._slots:
            self._slots[hour] = Window(60)
        if self._seen.get(hour) != day:
            self._seen[hour] = day
            self._days[hour] = min(self._days.get(hour, 0) + 1, _LEAST_DAYS)
        self._slots[hour].add(value)

    def stored(self) -> list[Any]:
        """Return all of it as JSON knows it."""
        return [
            [hour, self._days[hour], self._seen[hour].isoformat(), list(slot.arrived)]
            for hour, slot in self._slots.items()
        ]

    @classmethod
    def restore(cls, stored: list[Any]) -> Days:
        """Return what `stored` came from."""
        days = cls()
        for hour, count, seen, values in stored:
            days._slots[hour] = Window(60, values)
            days._days[hour] = count
            days._seen[hour] = date.fromisoformat(seen)
        return days


class Weeks:
    """The last 8 values of each hour of the week, once there are three weeks of them.

    An hour of many buckets is one value, their median. A series that has left its usual level is
    expected at the new one: the median of the last 48 differences from the usual is added.
    """

    __slots__ = ("_differences", "_hour", "_open", "_slots")

    def __init__(self) -> None:
        self._slots: dict[int, deque[tuple[datetime, float]]] = {}
        self._differences = Window(48)
        self._open: list[float] = []
        self._hour: datetime | None = None

    def expected(self, at: datetime) -> tuple[float, float] | None:
        """Return centre and spread at this hour of the week; None if too little is known.

        The spread is the greater of this hour's own and that of the last differences of all hours:
        three weeks that happen to agree promise nothing. It is widened by 3 / weeks, as Student's t
        would, since centre and spread are themselves guesses from few values.
        """
        slot = self._slots.get(at.weekday() * 24 + at.hour)
        if slot is None or len(slot) < _LEAST_WEEKS:
            return None
        usual = middle(sorted(value for _, value in slot))
        wider = 1 + 3 / len(slot)
        own = middle(sorted(abs(value - usual) for _, value in slot)) * 1.4826
        if len(self._differences) < 12:
            values = sorted(value for _, value in slot)
            return usual, (values[-1] - values[0]) / 2 * wider
        ordered = self._differences.ordered
        return usual + middle(ordered), max(own, spread(ordered)) * wider

    def points(self, at: datetime) -> tuple[tuple[datetime, float], ...]:
        """Return the values of this hour of the week with their hours, oldest first."""
        return tuple(self._slots.get(at.weekday() * 24 + at.hour, ()))

    def add(self, at: datetime, value: float) -> None:
        """Learn one value; an hour counts once the next has begun."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        if self._hour is not None and hour != self._hour:
            self._close(self._hour)
        self._hour = hour
        if len(self._open) < 120:
            self._open.append(value)

    def _close(self, hour: datetime) -> None:
        value = middle(sorted(self._open))
        slot = self._slots.setdefault(hour.weekday() * 24 + hour.hour, deque(maxlen=8))
        if len(slot) >= _LEAST_WEEKS:
            self._differences.add(value - middle(sorted(known for _, known in slot)))
        slot.append((hour, value))
        self._open = []

    def stored(self) -> dict[str, Any]:
        """Return all of it as JSON knows it."""
        return {
            "slots": [
                [index, [[at.isoformat(), value] for at, value in slot]]
                for index, slot in self._slots.items()
            ],
            "differences": list(self._differences.arrived),
            "open": self._open,
            "hour": self._hour and self._hour.isoformat(),
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> Weeks:
        """Return what `stored` came from."""
        weeks = cls()
        for index, slot in stored["slots"]:
            read = ((datetime.fromisoformat(at), value) for at, value in slot)
            weeks._slots[index] = deque(read, maxlen=8)
        weeks._differences = Window(48, stored["differences"])
        weeks._open = list(stored["open"])
        weeks._hour = stored["hour"] and datetime.fromisoformat(stored["hour"])
        return weeks
