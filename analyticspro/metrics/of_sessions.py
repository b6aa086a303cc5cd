"""Writes the SQL of metrics of sessions, each of which is where it began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyticspro.grain import Grain
from analyticspro.metrics.clauses import (
    bucket_column,
    chosen,
    conjunction,
    dimension,
    end,
    lines,
    local,
    quoted,
    utc,
    values_of,
)
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Measured, OfSessions, Simple, measures
from analyticspro.metrics.span import Span, of_days
from analyticspro.metrics.statement import Statement, statement, value
from analyticspro.warehouse import Rolled, session_changes, session_days, tallies

__all__ = ["of_sessions"]

_SUMS = {
    "sessions": "sum(sessions)::BIGINT",
    "bounces": "sum(bounces)::BIGINT",
    "page_views": "sum(page_views)::BIGINT",
    "seconds": "sum(lasted_us)::DOUBLE / 1000000",
}
_TALLIES = "sessions, bounces, page_views, lasted_us"


def of_sessions(metrics: Sequence[Measured], cut: Cut, up_to: Rolled) -> Statement:
    """Return the statement for metrics whose measures are all `OfSessions`.

    It gives one row per bucket and combination of dimensions in which a session began (just
    one row without either): the keys, then the metrics.

    Args:
        metrics: What is asked for.
        cut: Of when and where the sessions began.
        up_to: How far the stored sessions are.
    """
    wanted = tuple(dict.fromkeys(m for metric in metrics for m in measures(metric)))
    values = values_of(cut) | {"sessions_up_to": up_to.up_to}
    keys = [quoted(key) for key in cut.keys]
    sums = [f"coalesce({_sum(measure)}, 0) AS {measure.name}" for measure in wanted]
    inner = lines(
        f"SELECT {', '.join([*keys, *sums])}",
        f"FROM (\n{_tallied(wanted, cut, up_to, values)}\n)",
        "GROUP BY ALL" + (" HAVING sum(sessions) > 0" if keys else ""),
    )
    outer = [*keys, *(f"{value(m, cut)} AS {m.name}" for m in metrics)]
    return statement(lines(f"SELECT {', '.join(outer)}", f"FROM (\n{inner}\n)"), values)


def _sum(measure: Simple) -> str:
    assert isinstance(measure, OfSessions)
    return _SUMS[str(measure.column)]


def _tallied(wanted: Sequence[Simple], cut: Cut, up_to: Rolled, values: dict[str, Any]) -> str:
    """Return the SQL of the keys and tallies; some rows take away from others."""
    terms = chosen(cut, wanted, values)
    by = [f"{dimension(name)} AS {quoted(name)}" for name in cut.by]
    began = [*bucket_column(cut, local("started_at", cut)), *by]
    within = conjunction(["started_at >= $start", f"started_at < {end(cut, values)}", *terms])
    branches = []
    if up_to.up_to > 0:
        whole = None if cut.grain is Grain.HOUR else of_days(cut, up_to)
        if whole is not None:
            days = [*bucket_column(cut, "bucket::TIMESTAMP"), *by]
            branches.append(_whole(whole, days, terms, values))
        stored = f"SELECT {', '.join([*began, tallies()])} FROM sessions WHERE {within}"
        branches += [f"{stored} AND {term}" for term in _left_over(whole, cut, values)]
    if not up_to.is_current or up_to.up_to == 0:
        changes = f"SELECT {', '.join([*began, tallies('sign')])}"
        branches.append(lines(changes, f"FROM ({session_changes()})", f"WHERE {within}"))
    return "\nUNION ALL\n".join(branches)


def _whole(
    whole: Span, columns: Sequence[str], terms: Sequence[str], values: dict[str, Any]
) -> str:
    values |= {"whole_start": whole.start.date(), "whole_end": whole.end.date()}
    within = ["bucket >= $whole_start::DATE", "bucket < $whole_end::DATE", *terms]
    return lines(
        f"SELECT {', '.join([*columns, _TALLIES])}",
        f"FROM ({session_days()})",
        f"WHERE {conjunction(within)}",
    )


def _left_over(whole: Span | None, cut: Cut, values: dict[str, Any]) -> list[str]:
    """Return the terms of what is before the whole days, and of what is after them."""
    if whole is None:
        return ["true"]
    values["left_before"] = utc(whole.start, cut.zone)
    values["left_after"] = utc(whole.end, cut.zone)
    before = ["started_at < $left_before"] if whole.start > cut.start else []
    after = ["started_at >= $left_after"] if whole.end < cut.end else []
    return before + after
