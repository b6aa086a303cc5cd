"""Reads a cut from the rollups: whole buckets from them, what is left over from the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyticspro.grain import Grain
from analyticspro.metrics.clauses import (
    among,
    bucket_column,
    business,
    chosen,
    conjunction,
    counts_all,
    dimension,
    end,
    lines,
    local,
    quoted,
    utc,
)
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Aggregation, Simple, Unit
from analyticspro.metrics.span import Span, of_days, span
from analyticspro.warehouse import DIMENSIONS, MEMBERS, Rolled, facts, members

__all__ = ["added", "can_add", "distinct", "facts_of", "present"]

_SUMS = ("events", "late", "amounts", "amount_minor", "quantity")
_OF_MEMBERS = ("source", "name")


def can_add(measure: Simple) -> bool:
    """Return whether the rollups hold what `measure` adds up."""
    if measure.where:
        return False
    if measure.aggregation is Aggregation.SUM:
        return measure.column in ("amount_minor", "quantity")
    return measure.aggregation is Aggregation.COUNT and measure.column is None


def facts_of(
    wanted: Sequence[Simple],
    cut: Cut,
    rolled: Rolled,
    values: dict[str, Any],
    *,
    from_start: bool = True,
) -> str | None:
    """Return the SQL of what happened within `cut`, added up; None if it takes the events.

    It gives the bucket of the cut's grain, `DIMENSIONS`, events, late, amounts, amount_minor,
    quantity; some rows may cancel others.
    """
    whole = span(cut, rolled)
    if whole is None or not _has(cut, DIMENSIONS):
        return None
    values["up_to"] = rolled.up_to
    columns = ", ".join(DIMENSIONS)
    sums = ", ".join(_SUMS)
    terms = chosen(cut, wanted, values)
    within = _whole(whole, cut, values, from_start=from_start)
    rolled_up = lines(
        f"SELECT {', '.join([*_bucket(whole, cut), columns, sums])}",
        f"FROM ({facts(whole.grain, rolled)})",
        f"WHERE {conjunction([*within, *terms])}",
    )
    left = _left_over(whole, cut, values, from_start=from_start)
    if left is None:
        return rolled_up
    return lines(
        rolled_up,
        "UNION ALL",
        f"SELECT {', '.join([*bucket_column(cut, local('occurred_at', cut)), columns])},",
        "    1, is_late::BIGINT, (amount_minor IS NOT NULL)::BIGINT, amount_minor, quantity",
        "FROM events",
        f"WHERE {conjunction([*left, *terms])}",
    )


def added(measure: Simple, values: dict[str, Any]) -> str:
    """Return what adds `measure` up over the rows of `facts_of`."""
    keep = f" FILTER ({among('name', measure.events, values)})" if measure.events else ""
    if counts_all(measure):
        keep = f" FILTER ({business(values)})"
    column = measure.column if measure.aggregation is Aggregation.SUM else "events"
    kind = "HUGEINT" if measure.unit is Unit.MONEY else "BIGINT"
    return f"coalesce(sum({column}){keep}, 0)::{kind}"


def distinct(measure: Simple, cut: Cut, rolled: Rolled, values: dict[str, Any]) -> str | None:
    """Return the SQL of a distinct count; None if it takes the events.

    It gives the keys of the cut and `measure`.
    """
    found = present(measure, cut, rolled, values)
    if found is None:
        return None
    keys = ", ".join([*(quoted(key) for key in cut.keys), ""])
    return f"SELECT {keys}count(*) AS {measure.name} FROM (\n{found}\n) GROUP BY ALL"


def present(measure: Simple, cut: Cut, rolled: Rolled, values: dict[str, Any]) -> str | None:
    """Return the SQL of whom a distinct count counts; None if it takes the events.

    It gives the keys of the cut and member (a hash), each once.
    """
    whole = of_days(cut, rolled)
    if (
        whole is None
        or not rolled.has_members
        or measure.aggregation is not Aggregation.COUNT_DISTINCT
        or measure.where
        or not isinstance(measure.column, str)
        or measure.column not in MEMBERS
        or cut.grain is Grain.HOUR
        or not _has(cut, _OF_MEMBERS)
    ):
        return None
    values["up_to"] = rolled.up_to
    terms = chosen(cut, [measure], values)
    by = [f"{dimension(name)} AS {quoted(name)}" for name in cut.by]
    keys = ", ".join([*(quoted(key) for key in cut.keys), ""])
    first = [*_bucket(whole, cut), *by, "member", "events"]
    second = [*bucket_column(cut, local("occurred_at", cut)), *by, f"hash({measure.column})", "1"]
    within = _whole(whole, cut, values, from_start=True)
    left = _left_over(whole, cut, values, from_start=True)
    others = (
        []
        if left is None
        else [
            "UNION ALL",
            f"SELECT {', '.join(second)}",
            "FROM events",
            f"WHERE {conjunction([*left, *terms, f'{measure.column} IS NOT NULL'])}",
        ]
    )
    return lines(
        f"SELECT {keys}member FROM (",
        f"SELECT {', '.join(first)}",
        f"FROM ({members(measure.column, rolled)})",
        f"WHERE {conjunction([*within, *terms])}",
        *others,
        ") GROUP BY ALL HAVING sum(events) > 0",
    )


def _has(cut: Cut, columns: Sequence[str]) -> bool:
    needed = {*cut.by, *(item.dimension for item in cut.where)}
    return all(dimension(name) in columns for name in needed)


def _bucket(whole: Span, cut: Cut) -> list[str]:
    if cut.grain == whole.grain != "hour":
        return bucket_column(cut, "bucket", is_bucket=True)
    wall = local("bucket", cut) if whole.grain == "hour" else "bucket::TIMESTAMP"
    return bucket_column(cut, wall)


def _whole(whole: Span, cut: Cut, values: dict[str, Any], *, from_start: bool) -> list[str]:
    kind = "TIMESTAMP" if whole.grain == "hour" else "DATE"
    of_hours = whole.grain == "hour"
    values["whole_start"] = utc(whole.start, cut.zone) if of_hours else whole.start.date()
    values["whole_end"] = utc(whole.end, cut.zone) if of_hours else whole.end.date()
    terms = [f"bucket < $whole_end::{kind}"]
    return [f"bucket >= $whole_start::{kind}", *terms] if from_start else terms


def _left_over(
    whole: Span, cut: Cut, values: dict[str, Any], *, from_start: bool
) -> list[str] | None:
    """Return the terms for what the whole buckets leave over; None if that is nothing."""
    has_start = from_start and whole.start > cut.start
    if not has_start and whole.end == cut.end and not cut.ends:
        return None
    values["left_before"] = utc(whole.start, cut.zone)
    values["left_after"] = utc(whole.end, cut.zone)
    after = f"(occurred_at >= $left_after AND occurred_at < {end(cut, values)})"
    before = "(occurred_at >= $start AND occurred_at < $left_before)"
    return ["retired IS NULL", f"({before} OR {after})" if has_start else after]
