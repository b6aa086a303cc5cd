"""What a figure is drawn for: the workspace, the period and the filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from analyticspro.errors import AnalyticsProError
from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics.query import Filter, Query
from analyticspro.period import Period, comparison, parse_period

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Context", "Provider", "choose_grain"]


class Provider(Protocol):
    """Who answers the figures' questions: the client, or whatever a test gives instead."""

    def answers(self, queries: Sequence[Query]) -> list[Answer | AnalyticsProError]:
        """Return one answer or error per query, all of one revision."""

    def workspace(self) -> dict[str, Any]:
        """Return what the workspace is and how far its data reaches."""

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, the most frequent first."""


_FINEST = (
    (timedelta(days=2), Grain.HOUR),
    (timedelta(days=100), Grain.DAY),
    (timedelta(days=200), Grain.WEEK),
    (timedelta(days=5 * 366), Grain.MONTH),
    (timedelta(days=15 * 366), Grain.QUARTER),
)


def choose_grain(start: datetime, end: datetime) -> Grain:
    """Return the grain that cuts `[start, end)` into a readable number of points.

    >>> choose_grain(datetime(2011, 11, 1), datetime(2011, 12, 1)).value
    'day'
    """
    for longest, grain in _FINEST:
        if end - start <= longest:
            return grain
    return Grain.YEAR


@dataclass(frozen=True)
class Context:
    """What a figure is drawn for.

    Attributes:
        period: The period, found in the workspace's calendar.
        where: Filters in force.
        week_start: The workspace's.
        first: Wall-clock time of the first event, None without data.
        last: Of the last.
    """

    period: Period
    where: tuple[Filter, ...] = ()
    week_start: WeekStart = WeekStart.MONDAY
    first: datetime | None = None
    last: datetime | None = None

    @classmethod
    def of(
        cls, workspace: Mapping[str, Any], period: str, where: Mapping[str, str | list[str]]
    ) -> Context:
        """Return the context for a period as a person writes it.

        A filter with an empty value is no filter: that is how a notebook's parameter says
        "all".

        Raises:
            DefinitionError: The period is not one.
        """
        first, last = (_moment(workspace[name]) for name in ("first", "last"))
        week_start = WeekStart(workspace["week_start"])
        found = parse_period(
            period,
            today=datetime.fromisoformat(workspace["now"]),
            week_start=week_start,
            extent=(first, last) if first and last else None,
        )
        given = {name: value for name, value in where.items() if value}
        return cls(found, Query.of(where=given).where, week_start, first, last)

    @property
    def grain(self) -> Grain:
        """The grain that suits the period's length."""
        return choose_grain(self.period.start, self.period.end)

    @property
    def has_overlap(self) -> bool:
        """Whether the period touches the stretch that has data at all."""
        if self.first is None or self.last is None:
            return False
        return self.period.start <= self.last and self.first < self.period.end

    @property
    def previous(self) -> tuple[datetime, datetime] | None:
        """The whole previous period, `[start, end)`; None if it lies before all data."""
        start, end = comparison(self.period, until=None, grain=None, week_start=self.week_start)
        return None if self.first is None or end <= self.first else (start, end)

    def query(
        self,
        *metrics: str,
        grain: Grain | None = None,
        by: str | None = None,
        compare: bool = False,
        window: tuple[datetime, datetime] | None = None,
    ) -> Query:
        """Return a query over this period (or `window` instead of it) and these filters."""
        name = self.period.name
        if window is not None:
            name = f"{window[0].isoformat()}..{window[1].isoformat()}"
        return Query(
            metrics=metrics,
            grain=grain,
            by=() if by is None else (by,),
            period=name,
            where=self.where,
            compare=compare,
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
