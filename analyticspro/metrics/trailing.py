"""Writes the SQL of metrics over the days before: who was there in the last 7, in the last 30.

Everybody who was there on a day is counted from then until as many days later, or until the
next day on which they were there, whichever is first: so nobody counts twice, and what the
window holds at its end is a running total of comings and goings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from analyticspro.grain import Grain, floor
from analyticspro.metrics.clauses import (
    INTERVAL,
    bucket,
    condition,
    conjunction,
    key_columns,
    kind,
    lines,
    own,
    quoted,
    read,
    values_of,
)
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Ratio, Simple, Trailing
from analyticspro.metrics.rolling import present
from analyticspro.metrics.statement import Statement, statement, value
from analyticspro.warehouse import Rolled

__all__ = ["trailing"]

_MOMENT = timedelta(microseconds=1)


def trailing(metric: Trailing | Ratio, cut: Cut, rolled: Rolled) -> Statement:
    """Return the statement for `metric`: a row for every bucket, gaps included.

    Args:
        metric: A trailing count, or one over another of the same events.
        cut: What is asked for, ended where what is known ends.
        rolled: How far the rollups are.
    """
    leaves = _leaves(metric)
    [of] = {leaf.of for leaf in leaves}
    tick = Grain.HOUR if cut.grain is Grain.HOUR else Grain.DAY
    wide = _wide(cut, tick, max(leaf.days for leaf in leaves))
    values = values_of(wide)
    there = present(of, wide, rolled, values) or _from_events(of, wide, values)
    by = [quoted(name) for name in cut.by]
    same = "".join(f" AND g.{name} IS NOT DISTINCT FROM s.{name}" for name in by)
    keys = [quoted(key) for key in cut.keys]
    found = lines(
        f"WITH there AS (\n{there}\n),",
        f"firsts AS (SELECT {_listed(by)}member, {quoted(tick)}::DATE AS day,",
        f"    min({quoted(tick)})::TIMESTAMP AS since FROM there GROUP BY ALL),",
        f"steps AS MATERIALIZED (\n{_steps(leaves, by)}\n),",
        f"buckets AS (\n{_buckets(cut, tick, values)}\n),",
        f"groups AS (SELECT DISTINCT {', '.join(by) or '1'} FROM steps)",
        f"SELECT {_listed([*_bucket(cut), *(f'g.{name}' for name in by)])}",
        "    " + ", ".join(f"{_total(leaf)} AS {leaf.name}" for leaf in leaves),
        f"FROM buckets b CROSS JOIN groups g LEFT JOIN steps s ON s.moment <= b.last{same}",
        "GROUP BY ALL",
    )
    outer = ", ".join([*keys, f"{value(metric, cut)} AS {metric.name}"])
    return statement(lines(f"SELECT {outer}", f"FROM (\n{found}\n)"), values)


def _leaves(metric: Trailing | Ratio) -> tuple[Trailing, ...]:
    found = (metric,) if isinstance(metric, Trailing) else (metric.numerator, metric.denominator)
    leaves = tuple(leaf for leaf in found if isinstance(leaf, Trailing))
    assert len(leaves) == len(found), f"{metric.name} is not of trailing counts alone"
    return leaves


def _wide(cut: Cut, tick: Grain, days: int) -> Cut:
    """Return the cut of the events that the first window and all after it look at."""
    start = cut.start if cut.grain else max(cut.start, cut.end - _MOMENT)
    start = floor(start, Grain.DAY) - timedelta(days=days - 1)
    return replace(cut, start=start, grain=tick, shifted=False)


def _from_events(of: Simple, cut: Cut, values: dict[str, Any]) -> str:
    assert of.column is not None, f"{of.name} counts nobody"
    column = read(of.column)
    return lines(
        f"SELECT DISTINCT {', '.join(key_columns(cut))}, {column} AS member",
        "FROM events",
        f"WHERE {condition(cut, (of,), values, from_start=True)}",
        f"  AND {conjunction([*own(of, values), f'{column} IS NOT NULL'])}",
    )


def _steps(leaves: Sequence[Trailing], by: Sequence[str]) -> str:
    """Return the SQL of how many come into each leaf's window, and fall out of it, and when."""
    branches = []
    for leaf in leaves:
        until = f"day + INTERVAL {leaf.days:d} DAY"
        if not leaf.is_daily_mean:
            again = f"lead(since) OVER (PARTITION BY {_listed(by)}member ORDER BY since)"
            until = f"least({until}, {again})"
        for moment, step in (("since", 1), (until, -1)):
            filled = [f"{step if other is leaf else 0} AS {other.name}" for other in leaves]
            branches.append(
                f"SELECT {_listed(by)}{moment} AS moment, {', '.join(filled)} FROM firsts"
            )
    sums = ", ".join(f"sum({leaf.name})::BIGINT AS {leaf.name}" for leaf in leaves)
    union = "\nUNION ALL\n".join(branches)
    return f"SELECT {_listed(by)}moment, {sums} FROM (\n{union}\n) GROUP BY ALL"


def _buckets(cut: Cut, tick: Grain, values: dict[str, Any]) -> str:
    """Return the SQL of the buckets, and of the last hour or day that is in each."""
    is_any = "$first_moment::TIMESTAMP <= $last_moment::TIMESTAMP"
    values["first_moment"] = cut.start
    values["last_moment"] = cut.end - _MOMENT
    last = f"date_trunc('{tick}', $last_moment::TIMESTAMP)"
    if cut.grain is None:
        return f"SELECT {last}::TIMESTAMP AS last WHERE {is_any}"
    step, key = INTERVAL[cut.grain], quoted(cut.grain)
    first_key, last_key = (
        bucket(f"${name}::TIMESTAMP", cut) for name in ("first_moment", "last_moment")
    )
    own = f"date_trunc('{tick}', {key} + {step} - INTERVAL 1 MICROSECOND)"
    return lines(
        f"SELECT {key}, least({own}, {last})::TIMESTAMP AS last",
        f"FROM (SELECT unnest(generate_series({first_key}::TIMESTAMP, {last_key}::TIMESTAMP,",
        f"    {step})) AS {key} WHERE {is_any})",
    )


def _bucket(cut: Cut) -> list[str]:
    if cut.grain is None:
        return []
    key = quoted(cut.grain)
    at = f"b.{key} + {INTERVAL[cut.grain]}" if cut.shifted else f"b.{key}"
    return [f"({at})::{kind(cut.grain)} AS {key}"]


def _total(leaf: Trailing) -> str:
    total = f"coalesce(sum(s.{leaf.name}), 0)::BIGINT"
    return f"{total}::DOUBLE / {leaf.days:d}" if leaf.is_daily_mean else total


def _listed(columns: Sequence[str]) -> str:
    return "".join(f"{column}, " for column in columns)
