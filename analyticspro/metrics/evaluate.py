"""Answers metric queries from one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics import catalog
from analyticspro.metrics.answer import Answer
from analyticspro.metrics.comparing import beside, filled, joined
from analyticspro.metrics.compile import present, reading, values
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.cuttable import Cuttable
from analyticspro.metrics.kinds import has_every_bucket, statements
from analyticspro.metrics.known import Known
from analyticspro.metrics.model import Metric, Unit, is_additive, version
from analyticspro.metrics.query import Query
from analyticspro.metrics.statement import Statement
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
    watermarks: dict[str, datetime]
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
        run = _Run(self.reader, asked.metrics, max(asked.untils.values(), default=None))
        read = run.read(asked.cut)
        before = run.read(asked.compared) if asked.compared else {}
        run.currencies = self._currencies(query, read, before)
        frame = run.frame(asked.cut)
        keys = asked.cut.keys
        if asked.compared is not None:
            frame = beside(frame, run.frame(asked.compared), asked.metrics, keys)
        ordered = frame.sort(keys, nulls_last=True) if keys else frame
        named = ordered.rename(dict(zip(asked.cut.by, query.by, strict=True)))
        provenance = self._provenance(asked, run, read)
        provenance["notes"] += self._cuttable.notes(query, asked.metrics)
        return Answer(named, provenance)

    def values(self, dimension: str) -> list[str]:
        """Return the values that `dimension` has, the most frequent first (10,000 at most)."""
        column = self._cuttable.column(dimension)
        statement = values(column, self.reader.rolled, most=_MOST_VALUES)
        return self._frame(statement)["value"].to_list()

    @property
    def _cuttable(self) -> Cuttable:
        return Cuttable(self.reader)

    def _asked(self, query: Query) -> _Asked:
        metrics = tuple(catalog.metric(name) for name in dict.fromkeys(query.metrics))
        if not metrics:
            raise DefinitionError("Name at least one metric; 'analyticspro metrics' lists them.")
        self._cuttable.check(query, metrics)
        self._check_values(query)
        span = self.known.span(metrics)
        watermarks = self.known.watermarks(span)
        # What happened at the watermark itself is known; the end of a period is exclusive.
        untils = {
            source: to_wall(min(at + _MOMENT, self.now), self.settings.zone)
            for source, at in watermarks.items()
        }
        period = self._period(query.period, span)
        cut = self._cut(query, period)
        _check_length(cut, metrics, max(untils.values(), default=None))
        compared = self._compared(cut, period, untils) if query.compare else None
        return _Asked(metrics, period, cut, compared, untils, watermarks, query.as_of)

    def _check_values(self, query: Query) -> None:
        if self.known.revision == 0:
            return  # nothing is known yet, so nothing can be misspelt
        for item in query.where:
            column = self._cuttable.column(item.dimension)
            found = self._frame(present(column, item.values, self.reader.rolled))["value"]
            for missing in sorted(set(item.values) - set(found)):
                raise UnknownName.of(item.dimension, missing, self.values(item.dimension))

    def _period(self, text: str, span: pl.DataFrame) -> Period:
        zone = self.settings.zone
        extent = None
        if span.height:
            last = min(span["last"].max(), self.now)  # type: ignore[type-var]
            extent = (to_wall(span["first"].min(), zone), to_wall(last, zone))  # type: ignore[arg-type]
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

    def _currencies(self, query: Query, *reads: dict[str, Any]) -> tuple[str, ...]:
        found = {code for read in reads for code in read.get("currencies") or ()}
        if len(found) > 1 and "currency" not in query.by:
            raise DefinitionError(
                f"These amounts are in {len(found)} currencies ({', '.join(sorted(found))}) and "
                "cannot be added. Break down by currency, or choose one: "
                f"currency={min(found)}."
            )
        return tuple(sorted(found)) or (self.settings.currency,)

    def _provenance(self, asked: _Asked, run: _Run, read: dict[str, Any]) -> dict[str, Any]:
        cut, compared, watermarks = asked.cut, asked.compared, asked.watermarks
        until = max(cut.start, min([cut.end, *asked.untils.values()]))
        currency = run.currencies[0] if len(run.currencies) == 1 else None
        return {
            "metrics": {metric.name: _described(metric, currency) for metric in asked.metrics},
            "period": {"name": asked.period.name, **_bounds(cut), "until": until.isoformat()},
            "compared_with": None if compared is None else _bounds(compared),
            "timezone": self.settings.timezone,
            "revision": self.known.revision,
            "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
            "watermarks": {name: at.isoformat() for name, at in watermarks.items()},
            "sql": run.sql[0],
            "statements": run.sql,
            "rows_read": read["rows"],
            "late": read["late"],
            "rejected": self.known.rejected(list(watermarks)),
            "cached": False,
            "scope": self.reader.scope.name,
            "workspace": self.settings.name,
            "demo": self.settings.demo,
            "notes": [_OWN_ENDS] if compared and compared.ends else [],
        }

    def _frame(self, statement: Statement) -> pl.DataFrame:
        return self.reader.frame(statement.sql, statement.values)


class _Run:
    """Runs the statements of one query, and keeps their SQL."""

    def __init__(self, reader: Reader, metrics: Sequence[Metric], until: datetime | None) -> None:
        self._reader = reader
        self._metrics = metrics
        self._until = until
        self.currencies: tuple[str, ...] = ()
        self.sql: list[str] = []

    def read(self, cut: Cut) -> dict[str, Any]:
        """Return what is read over `cut`: rows, late and currencies."""
        statement = reading(self._metrics, cut, self._reader.rolled)
        return self._reader.frame(statement.sql, statement.values).row(0, named=True)

    def frame(self, cut: Cut) -> pl.DataFrame:
        """Return the keys and metrics over `cut`."""
        cut = replace(cut, currencies=self.currencies)
        frame: pl.DataFrame | None = None
        for one in statements(self._metrics, cut, self._until, self._reader):
            found = self._execute(one)
            frame = found if frame is None else joined(frame, found, cut.keys)
        assert frame is not None
        names = [metric.name for metric in self._metrics]
        return filled(frame.select(*cut.keys, *names), self._metrics)

    def _execute(self, statement: Statement) -> pl.DataFrame:
        self.sql.append(statement.sql)
        return self._reader.frame(statement.sql, statement.values)


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
        "version": version(metric),
    }
