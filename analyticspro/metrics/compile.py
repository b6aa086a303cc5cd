"""Writes the SQL of a metric query. Values are bound (`$name`), never written into it.

What is written into the text comes from the catalogue and from this file alone: names of
columns and metrics, grains, and powers of ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from analyticspro.metrics.clauses import (
    INTERVAL,
    bucket,
    condition,
    dimension,
    key_columns,
    kind,
    lines,
    quoted,
    values_of,
)
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import (
    Aggregation,
    Cumulative,
    Measured,
    Metric,
    Simple,
    Unit,
    measures,
)
from analyticspro.metrics.rolling import added, can_add, distinct, facts_of
from analyticspro.metrics.statement import Statement, statement, value
from analyticspro.warehouse import DIMENSIONS, Rolled, facts

__all__ = ["cumulative", "measured", "present", "reading", "values"]


def measured(metrics: Sequence[Measured], cut: Cut, rolled: Rolled) -> Statement:
    """Return the statement for metrics that are computed within each bucket.

    It gives one row per bucket and combination of dimensions that has an event (just one
    row without either): the keys, then the metrics.
    """
    wanted = tuple(dict.fromkeys(m for metric in metrics for m in measures(metric)))
    values = values_of(cut)
    inner = _from_rollups(wanted, cut, rolled, values)
    if inner is None:
        inner = _from_events(wanted, cut, values)
    outer = [quoted(key) for key in cut.keys] + [f"{value(m, cut)} AS {m.name}" for m in metrics]
    return statement(lines(f"SELECT {', '.join(outer)}", f"FROM (\n{inner}\n)"), values)


def _from_events(wanted: Sequence[Simple], cut: Cut, values: dict[str, Any]) -> str:
    parts = [f"{_aggregate(m, values)} AS {m.name}" for m in wanted]
    return lines(
        "SELECT " + ",\n    ".join([*key_columns(cut), *parts]),
        "FROM events",
        f"WHERE {condition(cut, wanted, values, from_start=True)}",
        "GROUP BY ALL",
    )


def _from_rollups(
    wanted: Sequence[Simple], cut: Cut, rolled: Rolled, values: dict[str, Any]
) -> str | None:
    """Return the SQL that reads what it can from the rollups; None if that is nothing.

    Each branch fills in some of the measures and leaves the others at 0, so that they can be
    added up. The first one has a row for every key that there is.
    """
    own = dict(values)
    found = facts_of(wanted, cut, rolled, own)
    counted = {m: distinct(m, cut, rolled, own) for m in wanted if not can_add(m)}
    left = [m for m, sql in counted.items() if sql is None]
    if found is None or len(left) == len(wanted):
        return None
    keys = [f"{dimension(name)} AS {quoted(name)}" for name in cut.by]
    keys = [*([quoted(cut.grain)] if cut.grain else []), *keys]
    sums = {m: added(m, own) for m in wanted if can_add(m)}
    branches = [
        lines(
            f"SELECT {', '.join([*keys, *_filled(wanted, sums)])}",
            f"FROM (\n{found}\n)",
            "GROUP BY ALL" + (" HAVING sum(events) > 0" if keys else ""),
        )
    ]
    names = [quoted(key) for key in cut.keys]
    for measure, sql in counted.items():
        if sql is not None:
            columns = [*names, *_filled(wanted, {measure: measure.name})]
            branches.append(f"SELECT {', '.join(columns)} FROM (\n{sql}\n)")
    if left:
        columns = [*names, *_filled(wanted, {measure: measure.name for measure in left})]
        branches.append(f"SELECT {', '.join(columns)} FROM (\n{_from_events(left, cut, own)}\n)")
    values |= own
    totals = [f"sum({m.name})::{_whole(m)} AS {m.name}" for m in wanted]
    union = "\nUNION ALL\n".join(branches)
    return lines(f"SELECT {', '.join([*names, *totals])}", f"FROM (\n{union}\n)", "GROUP BY ALL")


def _filled(wanted: Sequence[Simple], given: Mapping[Simple, str]) -> list[str]:
    return [f"{given.get(measure, '0')} AS {measure.name}" for measure in wanted]


def cumulative(metric: Cumulative, cut: Cut) -> Statement:
    """Return the statement for a running total: a row for every bucket, gaps included.

    What happened before the first bucket counts into it.
    """
    values = values_of(cut)
    if cut.grain is None:
        total = _total(metric.of, cut, values, metric.of.name)
    else:
        total = _running(metric.of, cut, values)
    columns = [quoted(key) for key in cut.keys]
    columns.append(f"{value(metric.of, cut)} AS {metric.name}")
    return statement(lines(f"SELECT {', '.join(columns)}", f"FROM (\n{total}\n)"), values)


def reading(metrics: Sequence[Metric], cut: Cut, rolled: Rolled) -> Statement:
    """Return the statement that tells what the metrics read.

    It gives one row: rows and late (events), and currencies, a list of those of the
    amounts that are added up.
    """
    cut = replace(cut, by=())  # how it is broken down changes nothing of what is read
    values = values_of(cut)
    wanted = [measure for metric in metrics for measure in measures(metric)]
    values["of_money"] = sorted({n for m in wanted if m.column == "amount_minor" for n in m.events})
    from_start = not any(isinstance(metric, Cumulative) for metric in metrics)
    origin = facts_of(wanted, cut, rolled, values, from_start=from_start)
    if origin is None:
        origin = lines(
            "SELECT *, 1 AS events, is_late::BIGINT AS late,",
            "    (amount_minor IS NOT NULL)::BIGINT AS amounts",
            "FROM events",
            f"WHERE {condition(cut, wanted, values, from_start=from_start)}",
        )
    return statement(
        lines(
            "SELECT coalesce(sum(events), 0)::BIGINT AS rows, coalesce(sum(late), 0)::BIGINT "
            "AS late,",
            "    list(currency) FILTER (amounts > 0) AS currencies",
            "FROM (SELECT currency, sum(events) AS events, sum(late) AS late,",
            "    sum(amounts) FILTER (name = ANY($of_money)) AS amounts",
            f"FROM (\n{origin}\n)",
            "GROUP BY ALL)",
        ),
        values,
    )


def values(dimension_name: str, rolled: Rolled, *, most: int) -> Statement:
    """Return the statement for the values of a dimension, the most frequent first."""
    column = dimension(dimension_name)
    return statement(
        f"SELECT {column} AS value FROM ({_of_all(column, rolled)})\n"
        f"WHERE {column} IS NOT NULL GROUP BY ALL HAVING sum(events) > 0\n"
        "ORDER BY sum(events) DESC, value LIMIT $most",
        {"most": most, "up_to": rolled.up_to, "zone": rolled.zone},
    )


def present(dimension_name: str, wanted: Sequence[str], rolled: Rolled) -> Statement:
    """Return the statement for those of the values `wanted` that a dimension has."""
    column = dimension(dimension_name)
    return statement(
        f"SELECT {column} AS value FROM ({_of_all(column, rolled)})\n"
        f"WHERE {column} = ANY($wanted) GROUP BY ALL HAVING sum(events) > 0",
        {"wanted": list(wanted), "up_to": rolled.up_to, "zone": rolled.zone},
    )


def _of_all(column: str, rolled: Rolled) -> str:
    if rolled.up_to and column in DIMENSIONS:
        return facts("month", rolled)
    return f"SELECT {column}, 1 AS events FROM events WHERE retired IS NULL"


def _running(of: Simple, cut: Cut, values: dict[str, Any]) -> str:
    assert cut.grain is not None
    key, by = quoted(cut.grain), [quoted(name) for name in cut.by]
    type_of_key = kind(cut.grain)
    step = INTERVAL[cut.grain]
    values["first_moment"] = cut.start
    values["last_moment"] = cut.end - timedelta(microseconds=1)
    first, last = (bucket(f"${name}::TIMESTAMP", cut) for name in ("first_moment", "last_moment"))
    same = "".join(f" AND g.{name} IS NOT DISTINCT FROM s.{name}" for name in by)
    at = f"b.{key} + {step}" if cut.shifted else f"b.{key}"
    return lines(
        f"WITH steps AS (\n{_steps(of, replace(cut, shifted=False), values)}\n),",
        "buckets AS (SELECT unnest(generate_series(",
        f"    {first}::TIMESTAMP, {last}::TIMESTAMP, {step}))::{type_of_key} AS {key}",
        "    WHERE $first_moment::TIMESTAMP <= $last_moment::TIMESTAMP),",
        f"groups AS (SELECT DISTINCT {', '.join(by) or '1'} FROM steps)",
        f"SELECT {', '.join([f'({at})::{type_of_key} AS {key}', *(f'g.{name}' for name in by)])},",
        f"    coalesce(sum(s.step), 0)::{_whole(of)} AS {of.name}",
        "FROM buckets b CROSS JOIN groups g",
        f"LEFT JOIN steps s ON s.{key} <= b.{key}{same}",
        "GROUP BY ALL",
    )


def _total(of: Simple, cut: Cut, values: dict[str, Any], name: str) -> str:
    """Return the SQL of what each bucket holds by itself, as `name`."""
    return lines(
        f"SELECT {', '.join([*key_columns(cut), _aggregate(of, values)])} AS {name}",
        "FROM events",
        f"WHERE {condition(cut, (of,), values, from_start=False)}",
        "GROUP BY ALL",
    )


def _steps(of: Simple, cut: Cut, values: dict[str, Any]) -> str:
    """Return the SQL of what each bucket adds to the running total, as `step`."""
    if of.aggregation is not Aggregation.COUNT_DISTINCT:
        return _total(of, cut, values, "step")
    # Everyone counts once, in the bucket where first seen.
    each = ", ".join([*(dimension(name) for name in cut.by), str(of.column)])
    firsts = lines(
        f"SELECT {', '.join(key_columns(cut, 'min(occurred_at)'))}",
        "FROM events",
        f"WHERE {condition(cut, (of,), values, from_start=False)}",
        f"  AND {of.column} IS NOT NULL",
        f"GROUP BY {each}",
    )
    keys = ", ".join(quoted(key) for key in cut.keys)
    return f"SELECT {keys}, count(*) AS step FROM (\n{firsts}\n) GROUP BY ALL"


def _aggregate(measure: Simple, values: dict[str, Any]) -> str:
    keep = ""
    if measure.events:
        values[f"of_{measure.name}"] = list(measure.events)
        keep = f" FILTER (name = ANY($of_{measure.name}))"
    match measure.aggregation:
        case Aggregation.COUNT:
            return f"count({measure.column or '*'}){keep}"
        case Aggregation.SUM:
            return f"coalesce(sum({measure.column}){keep}, 0)::{_whole(measure)}"
        case Aggregation.COUNT_DISTINCT:
            return f"count(DISTINCT {measure.column}){keep}"


def _whole(measure: Simple) -> str:
    # A sum of amounts may outgrow what a single amount fits into.
    return "HUGEINT" if measure.unit is Unit.MONEY else "BIGINT"
