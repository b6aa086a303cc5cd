"""How events are chosen and grouped: the part of a query that every metric shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics.query import Filter

__all__ = ["Cut"]


@dataclass(frozen=True)
class Cut:
    """How events are chosen and grouped.

    Attributes:
        start: First wall-clock moment.
        end: First wall-clock moment after.
        ends: The same for each source that has one of its own, earlier than `end`.
        zone: The workspace's.
        week_start: The workspace's.
        grain: Of the buckets; None for none.
        by: Dimensions, each by its column if it is a promoted property.
        where: Filters, likewise; an event passes all.
        currencies: The currencies of the amounts that are read.
        shifted: Move each bucket on by one, to lie beside the one it is compared with.
    """

    start: datetime
    end: datetime
    zone: ZoneInfo
    week_start: WeekStart
    grain: Grain | None
    by: tuple[str, ...]
    where: tuple[Filter, ...]
    ends: tuple[tuple[str, datetime], ...] = ()
    currencies: tuple[str, ...] = ()
    shifted: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the columns that identify a row."""
        return (*([self.grain.value] if self.grain else []), *self.by)
