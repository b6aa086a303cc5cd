"""Stretches of time that are judged and shown, but neither learned from nor alarmed about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

__all__ = ["Calendar"]


@dataclass(frozen=True)
class Calendar:
    """Holidays and known incidents, in the workspace's wall-clock time.

    Attributes:
        holidays: Whole days.
        incidents: Half-open stretches `(start, end)`.
    """

    holidays: frozenset[date] = field(default_factory=frozenset)
    incidents: tuple[tuple[datetime, datetime], ...] = ()

    def excludes(self, at: datetime) -> bool:
        """Return whether the bucket that starts at `at` lies in any of them.

        >>> Calendar(holidays=frozenset({date(2024, 12, 25)})).excludes(datetime(2024, 12, 25, 9))
        True
        """
        return at.date() in self.holidays or any(start <= at < end for start, end in self.incidents)
