"""Answers metric queries from one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics import catalog
from analyticspro.metrics.answer import Answer
from analyticspro.metrics.comparing import beside
from analyticspro.metrics.compile import present, values
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.cuttable import Cuttable
from analyticspro.metrics.kinds import has_every_bucket
from analyticspro.metrics.known import Extent, Known
from analyticspro.metrics.model import (
    Metric,
    Unit,
    is_additive,
    is_null_of_nothing,
    version,
)
from analyticspro.metrics.query import Query
from analyticspro.metrics.run import Run
from analyticspro.metrics.told import Told
from analyticspro.period import Period, comparison, parse_period, to_wall
from analyticspro.warehouse import Reader

__all__ = ["Evaluator"]

_MOST_VALUES = 10_000
_MOST_BUCKETS = 50_000
_MOMENT = timedelta(microseconds=1)
_OWN_ENDS = (
    "The sources are known up to different moments; what each is known of is compared with "
    "the same elapsed part of its own past."
)
_SHORT = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}


@dataclass(frozen=True)
class _Asked:
    """A query, its names looked up and its period found.

    Attributes:
        untils: Up to when each source is known, wall clock, exclusive; empty without data.
        compared: How the figures before are cut; None if they are not asked for.
        as_of: The moment whose knowledge is asked for; None for now.
    """

    metrics: tuple[Metric, ...]
    period: Period
    cut: Cut
    compared: Cut | None
    untils: dict[str, datetime]
    extent: Extent
    as_of: datetime | None


@dataclass(frozen=True)
class Evaluator:
    """Answers queries; all from the snapshot of one reader, so they agree.

    Attributes:
        now: The present instant, UTC: what "today" means and up to when a period can be
            complete.
    """

    reader: Reader
    known: Known
    settings: Settings
    now: datetime

    def answer(self, query: Query) -> Answer:
        """Return the figures that `query` asks for.

        Raises:
            DefinitionError: An unknown metric, dimension, grain, period or filter value
                (with the nearest known), or amounts of several currencies in one figure.
        """
        asked = self._asked(query)
        until = max(asked.untils.values(), default=None)
        run = Run(self.reader, asked.metrics, until, self.settings.currency)
        told = run.told(asked.cut)
        before = [run.told(asked.compared)] if asked.compared else []
        currencies = self._currencies(query, told, *before)
        frame = run.frame(asked.cut, currencies)
        keys = asked.cut.keys
        if asked.compared is not None:
            frame = beside(frame, run.frame(asked.compared, currencies), asked.metrics, keys)
        ordered = frame.sort(keys, nulls_last=True) if keys else frame
        named = ordered.rename(dict(zip(asked.cut.by, query.by, strict=True)))
        provenance = self._provenance(asked, told, currencies, run.sql)
        provenance["notes"] += self._cuttable.notes(query, asked.metrics)
        return Answer(named, provenance)

    def values(self, dimension: str) -> list[str]:
        """Return the values that `dimension` has, the most frequent first (10,000 at most)."""
        column = self._cuttable.column(dimension)
        asking = values(column, self.reader.rolled, most=_MOST_VALUES)
        return self.reader.frame(asking.sql, asking.values)["value"].to_list()

    @property
    def _cuttable(self) -> Cuttable:
        return Cuttable(self.reader)

    def _asked(self, query: Query) -> _Asked:
        metrics = tuple(catalog.metric(name) for name in dict.fromkeys(query.metrics))
        if not metrics:
            raise DefinitionError("Name at least one metric; 'analyticspro metrics' lists them.")
        self._cuttable.check(query, metrics)
        self._check_values(query)
        extent = self.known.of(metrics)
        # What happened at the watermark itself is known; the end of a period is exclusive.
        untils = {
            source: to_wall(min(at + _MOMENT, self.now), self.settings.zone)
            for source, at in extent.watermarks.items()
        }
        period = self._period(query.period, extent)
        cut = self._cut(query, period)
        _check_length(cut, metrics, max(untils.values(), default=None))
        compared = self._compared(cut, period, untils) if query.compare else None
        return _Asked(metrics, period, cut, compared, untils, extent, query.as_of)

    def _check_values(self, query: Query) -> None:
        if self.known.revision == 0:
            return  # nothing is known yet, so nothing can be misspelt
        for item in query.where:
            column = self._cuttable.column(item.dimension)
            unseen = [value for value in item.values if (column, value) not in self.known.seen]
            if not unseen:
                continue
            asking = present(column, unseen, self.reader.rolled)
            found = self.reader.frame(asking.sql, asking.values, is_short=True)["value"]
            for missing in sorted(set(unseen) - set(found)):
                raise UnknownName.of(item.dimension, missing, self.values(item.dimension))
            self.known.seen.update((column, value) for value in found)

    def _period(self, text: str, known: Extent) -> Period:
        zone = self.settings.zone
        extent = None
        if known.first and known.last:
            extent = (to_wall(known.first, zone), to_wall(min(known.last, self.now), zone))
        return parse_period(
            text,
            today=to_wall(self.now, zone),
            week_start=WeekStart(self.settings.week_start),
            extent=extent,
        )

    def _cut(self, query: Query, period: Period) -> Cut:
        column = self._cuttable.column
        return Cut(
            start=period.start,
            end=period.end,
            zone=self.settings.zone,
            week_start=WeekStart(self.settings.week_start),
            grain=query.grain,
            by=tuple(map(column, query.by)),
            where=tuple(replace(item, dimension=column(item.dimension)) for item in query.where),
        )

    def _compared(self, cut: Cut, period: Period, untils: dict[str, datetime]) -> Cut:
        """Return the cut of the figures before: of each source, what it is known of now."""

        def window(until: datetime | None) -> tuple[datetime, datetime]:
            return comparison(period, until=until, grain=cut.grain, week_start=cut.week_start)

        ends = {source: window(until)[1] for source, until in untils.items()}
        start, whole = window(None)
        end = max(ends.values(), default=whole)
        own = tuple((source, at) for source, at in ends.items() if at != end)
        return replace(cut, start=start, end=end, ends=own, shifted=True)

    def _currencies(self, query: Query, *reads: Told) -> tuple[str, ...]:
        found = {code for told in reads for code in told.currencies}
        if len(found) > 1 and "currency" not in query.by:
            raise DefinitionError(
                f"These amounts are in {len(found)} currencies ({', '.join(sorted(found))}) and "
                "cannot be added. Break down by currency, or choose one: "
                f"currency={min(found)}."
            )
        return tuple(sorted(found)) or (self.settings.currency,)

    def _provenance(
        self, asked: _Asked, told: Told, currencies: Sequence[str], sql: list[str]
    ) -> dict[str, Any]:
        cut, compared, extent = asked.cut, asked.compared, asked.extent
        until = max(cut.start, min([cut.end, *asked.untils.values()]))
        currency = currencies[0] if len(currencies) == 1 else None
        return {
            "metrics": {metric.name: _described(metric, currency) for metric in asked.metrics},
            "period": {"name": asked.period.name, **_bounds(cut), "until": until.isoformat()},
            "compared_with": None if compared is None else _bounds(compared),
            "timezone": self.settings.timezone,
            "revision": self.known.revision,
            "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
            "watermarks": {name: at.isoformat() for name, at in extent.watermarks.items()},
            "sql": sql[0],
            "statements": sql,
            "rows_read": told.rows,
            "late": told.late,
            "rejected": extent.rejected,
            "cached": False,
            "scope": self.reader.scope.name,
            "workspace": self.settings.name,
            "demo": self.settings.demo,
            "notes": [_OWN_ENDS] if compared and compared.ends else [],
        }


def _check_length(cut: Cut, metrics: Sequence[Metric], until: datetime | None) -> None:
    # A running total has a row for every bucket, with events or without.
    if cut.grain not in _SHORT or not any(map(has_every_bucket, metrics)):
        return
    buckets = (min(cut.end, until or cut.end) - cut.start) // _SHORT[cut.grain]
    if buckets > _MOST_BUCKETS:
        raise DefinitionError(
            f"A running total by {cut.grain} over this period would have {buckets:,} rows; "
            f"{_MOST_BUCKETS:,} is the most. Choose a longer grain or a shorter period."
        )


def _bounds(cut: Cut) -> dict[str, str]:
    return {"start": cut.start.isoformat(), "end": cut.end.isoformat()}


def _described(metric: Metric, currency: str | None) -> dict[str, Any]:
    return {
        "title": metric.title,
        "meaning": metric.meaning,
        "unit": metric.unit.value,
        "better": metric.better,
        "currency": currency if metric.unit is Unit.MONEY else None,
        "additive": is_additive(metric),
        "zero_of_nothing": not is_null_of_nothing(metric),
        "version": version(metric),
    }
