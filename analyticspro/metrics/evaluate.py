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
from analyticspro.metrics.compile import Cut, Statement, cumulative, measured, reading
from analyticspro.metrics.model import (
    Cumulative,
    Metric,
    Ratio,
    Unit,
    is_additive,
    measures,
    version,
)
from analyticspro.metrics.query import Query
from analyticspro.period import Period, comparison, parse_period, to_wall
from analyticspro.warehouse import Reader

__all__ = ["Evaluator", "Known"]

_MOST_VALUES = 10_000
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Known:
    """What every query of one revision needs to know; see `Reader.extents` and `.sources`."""

    revision: int
    extents: pl.DataFrame
    sources: pl.DataFrame

    @classmethod
    def read(cls, reader: Reader) -> Known:
        """Return what the snapshot of `reader` knows."""
        return cls(reader.revision(), reader.extents(), reader.sources())

    def span(self, metrics: Sequence[Metric]) -> pl.DataFrame:
        """Return the extents of the events that `metrics` count."""
        wanted = [measure for metric in metrics for measure in measures(metric)]
        if any(not measure.events for measure in wanted):
            return self.extents
        names = {name for measure in wanted for name in measure.events}
        return self.extents.filter(pl.col("name").is_in(names))

    def watermarks(self, span: pl.DataFrame) -> dict[str, datetime]:
        """Return the watermark of each source in `span`, UTC.

        It is the newest event of the last whole file; of the newest event there is while
        none is whole yet.
        """
        newest = span.group_by("source").agg(pl.col("last").max()).sort("source")
        whole = dict(self.sources.select("name", "watermark").iter_rows())
        return {source: whole.get(source) or last for source, last in newest.iter_rows()}


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
        metrics = [catalog.metric(name) for name in dict.fromkeys(query.metrics)]
        if not metrics:
            raise DefinitionError("Name at least one metric; 'analyticspro metrics' lists them.")
        self._check_dimensions(query, metrics)
        self._check_values(query)
        span = self.known.span(metrics)
        watermarks = self.known.watermarks(span)
        # What happened at the watermark itself is known; the end of a period is exclusive.
        marks = [at + _MOMENT for at in watermarks.values()]
        until = min([*marks, self.now]) if marks else None
        wall_until = None if until is None else to_wall(until, self.settings.zone)
        period = self._period(query.period, span)
        cut = self._cut(query, period)
        compared = self._compared(query, period, wall_until) if query.compare else None
        run = _Run(self.reader, metrics, wall_until)
        read = run.read(cut)
        before = {} if compared is None else run.read(compared)
        run.currencies = self._currencies(query, read, before)
        currency = run.currencies[0] if len(run.currencies) == 1 else None
        frame = run.frame(cut)
        if compared is not None:
            frame = _beside(frame, run.frame(compared), metrics, cut.keys)
        ordered = frame.sort(cut.keys, nulls_last=True) if cut.keys else frame
        provenance = {
            "metrics": {m.name: _described(m, currency) for m in metrics},
            "period": {
                "name": period.name,
                "start": cut.start.isoformat(),
                "end": cut.end.isoformat(),
                "until": max(cut.start, min(cut.end, wall_until or cut.end)).isoformat(),
            },
            "compared_with": None
            if compared is None
            else {"start": compared.start.isoformat(), "end": compared.end.isoformat()},
            "timezone": self.settings.timezone,
            "revision": self.known.revision,
            "watermarks": {name: at.isoformat() for name, at in watermarks.items()},
            "sql": run.sql[0],
            "statements": run.sql,
            "rows_read": read["rows"],
            "late": read["late"],
            "rejected": self._rejected(watermarks),
            "cached": False,
            "scope": self.reader.scope.name,
            "workspace": self.settings.name,
            "demo": self.settings.demo,
            "notes": [],
        }
        return Answer(ordered, provenance)

    def values(self, dimension: str) -> list[str]:
        """Return the values that `dimension` has, the most frequent first (10,000 at most)."""
        column = _column(catalog.dimension(dimension).name)
        found = self.reader.frame(
            f"SELECT {column} AS value FROM events "
            f"WHERE retired IS NULL AND {column} IS NOT NULL "
            "GROUP BY ALL ORDER BY count(*) DESC, value LIMIT $most",
            {"most": _MOST_VALUES},
        )
        return found["value"].to_list()

    def _check_dimensions(self, query: Query, metrics: Sequence[Metric]) -> None:
        for name in (*query.by, *(item.dimension for item in query.where)):
            catalog.dimension(name)
            for metric in metrics:
                if name not in metric.dimensions:
                    raise DefinitionError(
                        f"{metric.name} cannot be cut by {name!r}. "
                        f"It can by: {', '.join(metric.dimensions)}."
                    )
        if len(set(query.by)) < len(query.by):
            raise DefinitionError(f"A dimension is named twice in {', '.join(query.by)}.")

    def _check_values(self, query: Query) -> None:
        if self.known.revision == 0:
            return  # nothing is known yet, so nothing can be misspelt
        for item in query.where:
            column = _column(item.dimension)
            found = self.reader.frame(
                f"SELECT DISTINCT {column} AS value FROM events "
                f"WHERE retired IS NULL AND {column} = ANY($values)",
                {"values": list(item.values)},
            )["value"]
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
        return Cut(
            start=period.start,
            end=period.end,
            zone=self.settings.zone,
            week_start=WeekStart(self.settings.week_start),
            grain=query.grain,
            by=query.by,
            where=query.where,
        )

    def _compared(self, query: Query, period: Period, until: datetime | None) -> Cut:
        start, end = comparison(
            period,
            until=until,
            grain=query.grain,
            week_start=WeekStart(self.settings.week_start),
        )
        return replace(self._cut(query, period), start=start, end=end, shifted=True)

    def _currencies(self, query: Query, *reads: dict[str, Any]) -> tuple[str, ...]:
        found = {code for read in reads for code in read.get("currencies") or ()}
        if len(found) > 1 and "currency" not in query.by:
            raise DefinitionError(
                f"These amounts are in {len(found)} currencies ({', '.join(sorted(found))}) and "
                "cannot be added. Break down by currency, or choose one: "
                f"currency={min(found)}."
            )
        return tuple(sorted(found)) or (self.settings.currency,)

    def _rejected(self, watermarks: dict[str, datetime]) -> int:
        counts = self.known.sources.filter(pl.col("name").is_in(list(watermarks)))
        return int(counts["rejected"].sum())


class _Run:
    """Runs the statements of one query, and keeps their SQL."""

    def __init__(
        self, reader: Reader, metrics: Sequence[Metric], until: datetime | None
    ) -> None:
        self._reader = reader
        self._metrics = metrics
        self._until = until
        self.currencies: tuple[str, ...] = ()
        self.sql: list[str] = []

    def read(self, cut: Cut) -> dict[str, Any]:
        """Return what is read over `cut`: rows, late and currencies."""
        statement = reading(self._metrics, cut)
        return self._reader.frame(statement.sql, statement.values).row(0, named=True)

    def frame(self, cut: Cut) -> pl.DataFrame:
        """Return the keys and metrics over `cut`."""
        cut = replace(cut, currencies=self.currencies)
        totals = [m for m in self._metrics if isinstance(m, Cumulative)]
        within = [m for m in self._metrics if not isinstance(m, Cumulative)]
        frame: pl.DataFrame | None = None
        if within:
            frame = self._execute(measured(within, cut))
        known = cut if self._until is None else replace(cut, end=min(cut.end, self._until))
        for metric in totals:
            found = self._execute(cumulative(metric, known))
            frame = found if frame is None else _joined(frame, found, cut.keys)
        assert frame is not None
        names = [metric.name for metric in self._metrics]
        return frame.select(*cut.keys, *names).with_columns(
            pl.col(metric.name).fill_null(0) for metric in self._metrics if _is_total(metric)
        )

    def _execute(self, statement: Statement) -> pl.DataFrame:
        self.sql.append(statement.sql)
        return self._reader.frame(statement.sql, statement.values)


def _is_total(metric: Metric) -> bool:
    """Return whether nothing there means 0; for a ratio it means null."""
    return not isinstance(metric, Ratio)


def _joined(left: pl.DataFrame, right: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    if not keys:
        return left.hstack(right)
    return left.join(right, on=keys, how="full", coalesce=True, nulls_equal=True)


def _beside(
    current: pl.DataFrame, previous: pl.DataFrame, metrics: Sequence[Metric], keys: tuple[str, ...]
) -> pl.DataFrame:
    names = [metric.name for metric in metrics]
    frame = _joined(current, previous.rename({n: f"{n}_previous" for n in names}), keys)
    totals = [metric.name for metric in metrics if _is_total(metric)]
    frame = frame.with_columns(
        pl.col(name).fill_null(0) for n in totals for name in (n, f"{n}_previous")
    )
    columns = list(keys)
    for name in names:
        value, before = pl.col(name), pl.col(f"{name}_previous")
        change = (value - before).alias(f"{name}_change")
        rate = (change.cast(pl.Float64) / before.cast(pl.Float64).abs()).alias(
            f"{name}_change_rate"
        )
        frame = frame.with_columns(change, pl.when(before != 0).then(rate))
        columns += [name, f"{name}_previous", f"{name}_change", f"{name}_change_rate"]
    return frame.select(columns)


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


def _column(dimension: str) -> str:
    return "name" if dimension == "event" else dimension
