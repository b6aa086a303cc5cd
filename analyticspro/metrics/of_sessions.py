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
from analyticspro.metrics.compile import Statement, statement, value
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Measured, OfSessions, Simple, measures
from analyticspro.metrics.span import Span, of_days
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


def _tallied(
    wanted: Sequence[Simple], cut: Cut, up_to: Rolled, values: dict[str, Any]
) -> str:
    """Return the SQL of the keys and tallies; some rows take away from others."""
    terms = chosen(cut, wanted, values)
    began = [*bucket_column(cut, local("started_at", cut)), *_by(cut)]
    within = ["started_at >= $start", f"started_at < {end(cut, values)}", *terms]
    branches = [
        lines(
            f"SELECT {', '.join([*began, tallies('sign')])}",
            f"FROM ({session_changes()})",
            f"WHERE {conjunction(within)}",
        )
    ]
    whole = None if cut.grain is Grain.HOUR else of_days(cut, up_to)
    if whole is not None:
        values |= {"whole_start": whole.start.date(), "whole_end": whole.end.date()}
        within.append(_outside(whole, cut, values))
        branches.append(
            lines(
                f"SELECT {', '.join([*bucket_column(cut, 'bucket::TIMESTAMP'), *_by(cut)])},",
                f"    {_TALLIES}",
                f"FROM ({session_days()})",
                f"WHERE {conjunction([*_DAYS, *terms])}",
            )
        )
    if up_to.up_to > 0:
        branches.append(
            lines(
                f"SELECT {', '.join([*began, tallies()])}",
                "FROM sessions",
                f"WHERE {conjunction(within)}",
            )
        )
    return "\nUNION ALL\n".join(branches)


_DAYS = ("bucket >= $whole_start::DATE", "bucket < $whole_end::DATE")


def _outside(whole: Span, cut: Cut, values: dict[str, Any]) -> str:
    values["left_before"] = utc(whole.start, cut.zone)
    values["left_after"] = utc(whole.end, cut.zone)
    return "(started_at < $left_before OR started_at >= $left_after)"


def _by(cut: Cut) -> list[str]:
    return [f"{dimension(name)} AS {quoted(name)}" for name in cut.by]
