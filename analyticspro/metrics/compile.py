"""Writes the SQL of a metric query. Values are bound (`$name`), never written into it.

What is written into the text comes from the catalogue and from this file alone: names of
columns and metrics, grains, and powers of ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from analyticspro.events import OWN_SOURCE
from analyticspro.metrics import catalog, told
from analyticspro.metrics.clauses import (
    INTERVAL,
    among,
    bucket,
    business,
    condition,
    conjunction,
    dimension,
    key_columns,
    kind,
    lines,
    own,
    quoted,
    read,
    values_of,
)
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import (
    Aggregation,
    Cumulative,
    Measured,
    Property,
    Ratio,
    Simple,
    Unit,
    measures,
)
from analyticspro.metrics.rolling import added, can_add, distinct, facts_of
from analyticspro.metrics.statement import Statement, statement, value
from analyticspro.policy import Tag
from analyticspro.warehouse import DIMENSIONS, Rolled, facts

__all__ = ["cumulative", "measured", "present", "values"]


def measured(metrics: Sequence[Measured], cut: Cut, rolled: Rolled) -> Statement:
    """Return the statement for metrics that are computed within each bucket.

    It gives one row per bucket and combination of dimensions that has an event (just one
    row without either): the keys, then the metrics; from the rollups also `told.COLUMNS`.
    """
    wanted = tuple(dict.fromkeys(m for metric in metrics for m in measures(metric)))
    values = values_of(cut)
    inner = _from_rollups(wanted, cut, rolled, values)
    tells = inner is not None
    if inner is None:
        inner = _from_events(wanted, cut, values)
    outer = [quoted(key) for key in cut.keys] + [f"{value(m, cut)} AS {m.name}" for m in metrics]
    outer += told.COLUMNS if tells else ()
    sql = lines(f"SELECT {', '.join(outer)}", f"FROM (\n{inner}\n)")
    return statement(sql, values, tells=tells)


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
            f"SELECT {', '.join([*keys, *_filled(wanted, sums), *told.columns(wanted, own)])}",
            f"FROM (\n{found}\n)",
            "GROUP BY ALL" + (" HAVING sum(events) > 0" if keys else ""),
        )
    ]
    if len(sums) == len(wanted):
        values |= own
        return branches[0]
    names = [quoted(key) for key in cut.keys]
    for measure, sql in counted.items():
        if sql is not None:
            columns = [*names, *_filled(wanted, {measure: measure.name}), *told.NOTHING]
            branches.append(f"SELECT {', '.join(columns)} FROM (\n{sql}\n)")
    if left:
        columns = [
            *names,
            *_filled(wanted, {measure: measure.name for measure in left}),
            *told.NOTHING,
        ]
        branches.append(f"SELECT {', '.join(columns)} FROM (\n{_from_events(left, cut, own)}\n)")
    values |= own
    totals = [f"sum({m.name})::{_type(m)} AS {m.name}" for m in wanted]
    totals += told.TOGETHER.values()
    union = "\nUNION ALL\n".join(branches)
    return lines(f"SELECT {', '.join([*names, *totals])}", f"FROM (\n{union}\n)", "GROUP BY ALL")


def _filled(wanted: Sequence[Simple], given: Mapping[Simple, str]) -> list[str]:
    return [f"{given.get(measure, _nothing(measure))} AS {measure.name}" for measure in wanted]


def _nothing(measure: Simple) -> str:
    return "NULL" if measure.aggregation in _SHARES else "0"


def cumulative(metric: Cumulative | Ratio, cut: Cut) -> Statement:
    """Return the statement for a running total: a row for every bucket, gaps included.

    What happened before the first bucket counts into it.

    Args:
        metric: A running total, or one over another.
        cut: What is asked for, ended where what is known ends.
    """
    values = values_of(cut)
    wanted = measures(metric)
    total = _total(wanted, cut, values) if cut.grain is None else _running(wanted, cut, values)
    columns = [quoted(key) for key in cut.keys]
    columns.append(f"{value(metric, cut)} AS {metric.name}")
    return statement(lines(f"SELECT {', '.join(columns)}", f"FROM (\n{total}\n)"), values)


def values(dimension_name: str, rolled: Rolled, *, most: int) -> Statement:
    """Return the statement for the values of a dimension, the most frequent first."""
    column = dimension(dimension_name)
    return statement(
        f"SELECT value FROM ({_of_all(dimension_name, column, rolled)})\n"
        f"WHERE value IS NOT NULL GROUP BY ALL HAVING sum(events) > 0\n"
        "ORDER BY sum(events) DESC, value LIMIT $most",
        {**_BOUND, "most": most, "up_to": rolled.up_to, "zone": rolled.zone},
    )


def present(dimension_name: str, wanted: Sequence[str], rolled: Rolled) -> Statement:
    """Return the statement for those of the values `wanted` that a dimension has."""
    column = dimension(dimension_name)
    bound: dict[str, Any] = {**_BOUND, "up_to": rolled.up_to, "zone": rolled.zone}
    return statement(
        f"SELECT value FROM ({_of_all(dimension_name, column, rolled)})\n"
        f"WHERE {among('value', wanted, bound)} GROUP BY ALL HAVING sum(events) > 0",
        bound,
    )


def _of_all(dimension_name: str, column: str, rolled: Rolled) -> str:
    own = catalog.DIMENSIONS.get(dimension_name)
    # What the workspace tells of itself has values of its own, and adds none to others.
    whose = "true" if own is not None and Tag.SECURITY in own.tags else business(dict(_BOUND))
    if rolled.up_to and column in DIMENSIONS:
        return f"SELECT {column} AS value, events FROM ({facts('month', rolled)}) WHERE {whose}"
    return f"SELECT {column} AS value, 1 AS events FROM events WHERE retired IS NULL AND {whose}"


def _running(wanted: Sequence[Simple], cut: Cut, values: dict[str, Any]) -> str:
    assert cut.grain is not None
    key, by = quoted(cut.grain), [quoted(name) for name in cut.by]
    type_of_key = kind(cut.grain)
    step = INTERVAL[cut.grain]
    values["first_moment"] = cut.start
    values["last_moment"] = cut.end - timedelta(microseconds=1)
    first, last = (bucket(f"${name}::TIMESTAMP", cut) for name in ("first_moment", "last_moment"))
    same = "".join(f" AND g.{name} IS NOT DISTINCT FROM s.{name}" for name in by)
    at = f"b.{key} + {step}" if cut.shifted else f"b.{key}"
    sums = [f"coalesce(sum(s.{m.name}), 0)::{_type(m)} AS {m.name}" for m in wanted]
    return lines(
        f"WITH steps AS (\n{_steps(wanted, replace(cut, shifted=False), values)}\n),",
        "buckets AS (SELECT unnest(generate_series(",
        f"    {first}::TIMESTAMP, {last}::TIMESTAMP, {step}))::{type_of_key} AS {key}",
        "    WHERE $first_moment::TIMESTAMP <= $last_moment::TIMESTAMP),",
        f"groups AS (SELECT DISTINCT {', '.join(by) or '1'} FROM steps)",
        f"SELECT {', '.join([f'({at})::{type_of_key} AS {key}', *(f'g.{name}' for name in by)])},",
        "    " + ", ".join(sums),
        "FROM buckets b CROSS JOIN groups g",
        f"LEFT JOIN steps s ON s.{key} <= b.{key}{same}",
        "GROUP BY ALL",
    )


def _total(wanted: Sequence[Simple], cut: Cut, values: dict[str, Any]) -> str:
    """Return the SQL of what each bucket holds by itself."""
    parts = [f"{_aggregate(m, values)} AS {m.name}" for m in wanted]
    return lines(
        f"SELECT {', '.join([*key_columns(cut), *parts])}",
        "FROM events",
        f"WHERE {condition(cut, wanted, values, from_start=False)}",
        "GROUP BY ALL",
    )


def _steps(wanted: Sequence[Simple], cut: Cut, values: dict[str, Any]) -> str:
    """Return the SQL of what each bucket adds to the running totals."""
    distinct_ones = [m for m in wanted if m.aggregation is Aggregation.COUNT_DISTINCT]
    if not distinct_ones:
        return _total(wanted, cut, values)
    [of] = wanted
    assert of.column is not None, f"{of.name} counts nobody"
    column = read(of.column)
    # Everyone counts once, in the bucket where first seen.
    each = ", ".join([*(dimension(name) for name in cut.by), column])
    firsts = lines(
        f"SELECT {', '.join(key_columns(cut, 'min(occurred_at)'))}",
        "FROM events",
        f"WHERE {condition(cut, wanted, values, from_start=False)}",
        f"  AND {conjunction([*own(of, values), f'{column} IS NOT NULL'])}",
        f"GROUP BY {each}",
    )
    keys = ", ".join(quoted(key) for key in cut.keys)
    return f"SELECT {keys}, count(*) AS {of.name} FROM (\n{firsts}\n) GROUP BY ALL"


def _aggregate(measure: Simple, values: dict[str, Any]) -> str:
    terms = " AND ".join(own(measure, values))
    column = None if measure.column is None else read(measure.column)
    keep = f" FILTER ({terms})" if terms else ""
    if terms and isinstance(measure.column, Property):
        # What a FILTER leaves out is evaluated before, and to read JSON takes its time.
        column, keep = f"CASE WHEN {terms} THEN {column} END", ""
    match measure.aggregation:
        case Aggregation.COUNT:
            return f"count({column or '*'}){keep}"
        case Aggregation.SUM:
            return f"coalesce(sum({column}){keep}, 0)::{_type(measure)}"
        case Aggregation.COUNT_DISTINCT:
            return f"count(DISTINCT {column}){keep}"
        case Aggregation.MEDIAN | Aggregation.P95:
            share = _SHARES[measure.aggregation]
            return f"quantile_cont(({column})::DOUBLE, {share}){keep}"


def _type(measure: Simple) -> str:
    """Return the type of a measure's value."""
    if measure.aggregation in _SHARES:
        return "DOUBLE"
    if measure.aggregation is Aggregation.SUM and isinstance(measure.column, Property):
        return "DECIMAL(38, 9)"
    # A sum of amounts may outgrow what a single amount fits into.
    return "HUGEINT" if measure.unit is Unit.MONEY else "BIGINT"


_BOUND: Mapping[str, Any] = {"own_source": OWN_SOURCE}
_SHARES = {Aggregation.MEDIAN: 0.5, Aggregation.P95: 0.95}
