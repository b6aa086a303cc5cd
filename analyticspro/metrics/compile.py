"""Writes the SQL of a metric query. Values are bound (`$name`), never written into it.

What is written into the text comes from the catalogue and from this file alone: names of
columns and metrics, grains, and powers of ten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import (
    Aggregation,
    Cumulative,
    Derived,
    Measured,
    Metric,
    Ratio,
    Simple,
    Unit,
    measures,
)
from analyticspro.money import exponent
from analyticspro.period import to_instant

__all__ = ["Statement", "cumulative", "measured", "present", "reading", "values"]

_COLUMN = {"event": "name"}
_INTERVAL = {
    Grain.HOUR: "INTERVAL 1 HOUR",
    Grain.DAY: "INTERVAL 1 DAY",
    Grain.WEEK: "INTERVAL 7 DAY",
    Grain.MONTH: "INTERVAL 1 MONTH",
    Grain.QUARTER: "INTERVAL 3 MONTH",
    Grain.YEAR: "INTERVAL 1 YEAR",
}


@dataclass(frozen=True)
class Statement:
    """SQL and the values bound into it."""

    sql: str
    values: Mapping[str, Any]


def measured(metrics: Sequence[Measured], cut: Cut) -> Statement:
    """Return the statement for metrics that are computed within each bucket.

    It gives one row per bucket and combination of dimensions that has an event (just one
    row without either): the keys, then the metrics.
    """
    wanted = tuple(dict.fromkeys(m for metric in metrics for m in measures(metric)))
    values = _values(cut)
    parts = [f"{_aggregate(m, values)} AS {m.name}" for m in wanted]
    columns = [_quoted(key) for key in cut.keys]
    inner = _lines(
        "SELECT " + ",\n    ".join([*_key_columns(cut), *parts]),
        "FROM events",
        f"WHERE {_condition(cut, wanted, values, from_start=True)}",
        "GROUP BY ALL",
    )
    outer = [*columns, *(f"{_value(m, cut)} AS {m.name}" for m in metrics)]
    return _statement(_lines(f"SELECT {', '.join(outer)}", f"FROM (\n{inner}\n)"), values)


def cumulative(metric: Cumulative, cut: Cut) -> Statement:
    """Return the statement for a running total: a row for every bucket, gaps included.

    What happened before the first bucket counts into it.
    """
    values = _values(cut)
    if cut.grain is None:
        total = _total(metric.of, cut, values, metric.of.name)
    else:
        total = _running(metric.of, cut, values)
    columns = [_quoted(key) for key in cut.keys]
    value = f"{_value(metric.of, cut)} AS {metric.name}"
    return _statement(
        _lines(f"SELECT {', '.join([*columns, value])}", f"FROM (\n{total}\n)"), values
    )


def reading(metrics: Sequence[Metric], cut: Cut) -> Statement:
    """Return the statement that tells what the metrics read.

    It gives one row: rows and late (events), and currencies, a list of those of the
    amounts that are added up.
    """
    values = _values(cut)
    wanted = [measure for metric in metrics for measure in measures(metric)]
    values["of_money"] = sorted({n for m in wanted if m.column == "amount_minor" for n in m.events})
    from_start = not any(isinstance(metric, Cumulative) for metric in metrics)
    return _statement(
        _lines(
            "SELECT count(*) AS rows, count(*) FILTER (is_late) AS late,",
            "    list(DISTINCT currency)",
            "        FILTER (name = ANY($of_money) AND amount_minor IS NOT NULL) AS currencies",
            "FROM events",
            f"WHERE {_condition(cut, wanted, values, from_start=from_start)}",
        ),
        values,
    )


def values(dimension: str, *, most: int) -> Statement:
    """Return the statement for the values of a dimension, the most frequent first."""
    column = _dimension(dimension)
    return Statement(
        f"SELECT {column} AS value FROM events WHERE retired IS NULL AND {column} IS NOT NULL\n"
        "GROUP BY ALL ORDER BY count(*) DESC, value LIMIT $most",
        {"most": most},
    )


def present(dimension: str, wanted: Sequence[str]) -> Statement:
    """Return the statement for those of the values `wanted` that a dimension has."""
    column = _dimension(dimension)
    return Statement(
        f"SELECT DISTINCT {column} AS value FROM events\n"
        f"WHERE retired IS NULL AND {column} = ANY($wanted)",
        {"wanted": list(wanted)},
    )


def _statement(sql: str, values: Mapping[str, Any]) -> Statement:
    used = set(re.findall(r"\$(\w+)", sql))
    return Statement(sql, {name: value for name, value in values.items() if name in used})


def _running(of: Simple, cut: Cut, values: dict[str, Any]) -> str:
    assert cut.grain is not None
    bucket, by = _quoted(cut.grain), [_quoted(name) for name in cut.by]
    kind = _kind(cut.grain)
    step = _INTERVAL[cut.grain]
    values["first_moment"] = cut.start
    values["last_moment"] = cut.end - timedelta(microseconds=1)
    first, last = (_bucket(f"${name}::TIMESTAMP", cut) for name in ("first_moment", "last_moment"))
    same = "".join(f" AND g.{name} IS NOT DISTINCT FROM s.{name}" for name in by)
    at = f"b.{bucket} + {step}" if cut.shifted else f"b.{bucket}"
    return _lines(
        f"WITH steps AS (\n{_steps(of, replace(cut, shifted=False), values)}\n),",
        "buckets AS (SELECT unnest(generate_series(",
        f"    {first}::TIMESTAMP, {last}::TIMESTAMP, {step}))::{kind} AS {bucket}",
        "    WHERE $first_moment::TIMESTAMP <= $last_moment::TIMESTAMP),",
        f"groups AS (SELECT DISTINCT {', '.join(by) or '1'} FROM steps)",
        f"SELECT {', '.join([f'({at})::{kind} AS {bucket}', *(f'g.{name}' for name in by)])},",
        f"    coalesce(sum(s.step), 0)::{_whole(of)} AS {of.name}",
        "FROM buckets b CROSS JOIN groups g",
        f"LEFT JOIN steps s ON s.{bucket} <= b.{bucket}{same}",
        "GROUP BY ALL",
    )


def _total(of: Simple, cut: Cut, values: dict[str, Any], name: str) -> str:
    """Return the SQL of what each bucket holds by itself, as `name`."""
    return _lines(
        f"SELECT {', '.join([*_key_columns(cut), _aggregate(of, values)])} AS {name}",
        "FROM events",
        f"WHERE {_condition(cut, (of,), values, from_start=False)}",
        "GROUP BY ALL",
    )


def _steps(of: Simple, cut: Cut, values: dict[str, Any]) -> str:
    """Return the SQL of what each bucket adds to the running total, as `step`."""
    if of.aggregation is not Aggregation.COUNT_DISTINCT:
        return _total(of, cut, values, "step")
    # Everyone counts once, in the bucket where first seen.
    each = ", ".join([*(_dimension(name) for name in cut.by), str(of.column)])
    firsts = _lines(
        f"SELECT {', '.join(_key_columns(cut, 'min(occurred_at)'))}",
        "FROM events",
        f"WHERE {_condition(cut, (of,), values, from_start=False)}",
        f"  AND {of.column} IS NOT NULL",
        f"GROUP BY {each}",
    )
    keys = ", ".join(_quoted(key) for key in cut.keys)
    return f"SELECT {keys}, count(*) AS step FROM (\n{firsts}\n) GROUP BY ALL"


def _values(cut: Cut) -> dict[str, Any]:
    return {
        "zone": cut.zone.key,
        "start": _utc(cut.start, cut.zone),
        "end": _utc(cut.end, cut.zone),
        **{f"currency_{i}": code for i, code in enumerate(cut.currencies)},
    }


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    return to_instant(wall, zone).astimezone(UTC).replace(tzinfo=None)


def _condition(
    cut: Cut, wanted: Sequence[Simple], values: dict[str, Any], *, from_start: bool
) -> str:
    terms = ["retired IS NULL", f"occurred_at < {_end(cut, values)}"]
    if from_start:
        terms.append("occurred_at >= $start")
    if all(measure.events for measure in wanted):
        values["names"] = sorted({name for measure in wanted for name in measure.events})
        terms.append("name = ANY($names)")
    for number, item in enumerate(cut.where):
        values[f"filter_{number}"] = list(item.values)
        test = f"coalesce({_dimension(item.dimension)} = ANY($filter_{number}), false)"
        terms.append(f"NOT {test}" if item.exclude else test)
    return "\n  AND ".join(terms)


def _end(cut: Cut, values: dict[str, Any]) -> str:
    cases = []
    for number, (source, end) in enumerate(cut.ends):
        values |= {f"source_{number}": source, f"end_{number}": _utc(end, cut.zone)}
        cases.append(f"WHEN $source_{number} THEN $end_{number}::TIMESTAMP")
    return f"CASE source {' '.join(cases)} ELSE $end::TIMESTAMP END" if cases else "$end"


def _aggregate(measure: Simple, values: dict[str, Any]) -> str:
    keep = ""
    if measure.events:
        values[f"of_{measure.name}"] = list(measure.events)
        keep = f" FILTER (name = ANY($of_{measure.name}))"
    match measure.aggregation:
        case Aggregation.COUNT:
            return f"count(*){keep}"
        case Aggregation.SUM:
            return f"coalesce(sum({measure.column}){keep}, 0)::{_whole(measure)}"
        case Aggregation.COUNT_DISTINCT:
            return f"count(DISTINCT {measure.column}){keep}"


def _whole(measure: Simple) -> str:
    # A sum of amounts may outgrow what a single amount fits into.
    return "HUGEINT" if measure.unit is Unit.MONEY else "BIGINT"


def _value(metric: Measured, cut: Cut) -> str:
    match metric:
        case Simple() if metric.unit is Unit.MONEY:
            return _major(metric.name, cut)
        case Simple():
            return metric.name
        case Derived():
            plus = " + ".join(_value(term, cut) for term in metric.plus)
            minus = "".join(f" - {_value(term, cut)}" for term in metric.minus)
            return f"({plus or 0}{minus})"
        case Ratio():
            top = _value(metric.numerator, cut)
            bottom = _value(metric.denominator, cut)
            return f"({top})::DOUBLE / nullif({bottom}, 0)"


def _major(column: str, cut: Cut) -> str:
    """Return minor units as a decimal number of major ones, exactly."""
    digits = [exponent(code) for code in cut.currencies] or [2]
    if len(set(digits)) == 1:
        return f"{column}::DECIMAL(32, 0) * {_power(digits[0])}"
    cases = " ".join(
        f"WHEN $currency_{number} THEN {_power(count)}" for number, count in enumerate(digits)
    )
    return f"{column}::DECIMAL(32, 0) * CASE currency {cases} END"


def _power(digits: int) -> str:
    return f"{10**-digits:.{digits}f}::DECIMAL({digits + 1}, {digits})"


def _key_columns(cut: Cut, at: str = "occurred_at") -> list[str]:
    columns = []
    if cut.grain is not None:
        local = at
        if cut.zone.key != "UTC":
            local = f"(({at} AT TIME ZONE 'UTC') AT TIME ZONE $zone)"
        bucket = _bucket(local, cut)
        if cut.shifted:
            bucket = f"({bucket} + {_INTERVAL[cut.grain]})"
        columns.append(f"{bucket}::{_kind(cut.grain)} AS {_quoted(cut.grain)}")
    return columns + [f"{_dimension(name)} AS {_quoted(name)}" for name in cut.by]


def _bucket(local: str, cut: Cut) -> str:
    if cut.grain is Grain.WEEK and cut.week_start is WeekStart.SUNDAY:
        return f"(date_trunc('week', {local} + INTERVAL 1 DAY) - INTERVAL 1 DAY)"
    return f"date_trunc('{cut.grain}', {local})"


def _kind(grain: Grain) -> str:
    return "TIMESTAMP" if grain is Grain.HOUR else "DATE"


def _dimension(name: str) -> str:
    return _COLUMN.get(name, name)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _lines(*lines: str) -> str:
    return "\n".join(lines)
