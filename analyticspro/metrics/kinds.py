"""Chooses how each metric of a query is computed; metrics of one kind are computed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeGuard

from analyticspro.metrics.compile import cumulative, measured
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import (
    Cumulative,
    Measured,
    Metric,
    OfSessions,
    Ratio,
    Trailing,
    is_to_date,
    measures,
)
from analyticspro.metrics.of_sessions import of_sessions
from analyticspro.metrics.statement import Statement
from analyticspro.metrics.trailing import trailing
from analyticspro.warehouse import Reader

__all__ = ["has_every_bucket", "statements"]


def statements(
    metrics: Sequence[Metric], cut: Cut, until: datetime | None, reader: Reader
) -> list[Statement]:
    """Return the statements that give the metrics; each gives the keys and some of them.

    Args:
        metrics: What is asked for.
        cut: How.
        until: Up to when anything is known, wall clock, exclusive; None without data.
        reader: Whose rollups and sessions may be read.
    """
    found: list[Statement] = []
    within: list[Measured] = []
    visits: list[Measured] = []
    for metric in metrics:
        if not (isinstance(metric, Cumulative) or _is_to_date(metric) or _is_trailing(metric)):
            (visits if _is_of_sessions(metric) else within).append(metric)
    if within:
        found.append(measured(within, cut, reader.rolled))
    if visits:
        found.append(of_sessions(visits, cut, reader.sessions_up_to))
    known = cut if until is None else replace(cut, end=min(cut.end, until))
    for metric in metrics:
        if _is_to_date(metric):
            found.append(cumulative(metric, known))
        elif _is_trailing(metric):
            found.append(trailing(metric, known, reader.rolled))
    return found


def has_every_bucket(metric: Metric) -> bool:
    """Return whether `metric` has a row for each bucket, with events or without."""
    return _is_to_date(metric) or _is_trailing(metric)


def _is_to_date(metric: Metric) -> TypeGuard[Cumulative | Ratio]:
    return is_to_date(metric)


def _is_trailing(metric: Metric) -> TypeGuard[Trailing | Ratio]:
    top = metric.numerator if isinstance(metric, Ratio) else metric
    return isinstance(top, Trailing)


def _is_of_sessions(metric: Metric) -> bool:
    found = {isinstance(measure, OfSessions) for measure in measures(metric)}
    assert len(found) == 1, f"{metric.name} is partly of sessions"
    return found == {True}
