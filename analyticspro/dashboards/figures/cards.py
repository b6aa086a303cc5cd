"""One number on a card, with its change and its recent course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.figures.series import series_points
from analyticspro.dashboards.formats import Unit, day_words, exact, relative, span_words
from analyticspro.dashboards.views import Change, KpiView
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Kpi", "change_of", "kpi"]


def kpi(metric: str) -> Kpi:
    """Return the card of one metric: value, change, sparkline.

    The change is against the previous comparable period: an incomplete month with the
    same days of the month before.
    """
    return Kpi(metric)


@dataclass(frozen=True)
class Kpi(Figure):
    """The card of one metric."""

    metric: str

    @property
    def name(self) -> str:
        """The metric."""
        return self.metric

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        return {"kind": "kpi", "metric": self.metric}

    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return the value with its comparison, and the series of the sparkline."""
        return (
            context.query(self.metric, compare=True),
            context.query(self.metric, grain=context.grain),
        )

    def view(self, context: Context, answers: Sequence[Answer]) -> KpiView:
        """Return the card."""
        whole, course = answers
        metric = whole.provenance["metrics"][self.metric]
        unit = Unit.of(metric)
        row = next(whole.frame.iter_rows(named=True), {})
        value = row.get(self.metric)
        change = change_of(row, self.metric, context, whole.provenance)
        remark = ""
        if change is None and value is None:
            remark = "No data in this period"
        elif change is None:
            remark = "Nothing to compare" if context.previous else "No earlier data"
        return KpiView(
            metric=self.metric,
            title=metric["title"],
            meaning=metric["meaning"],
            value=unit.card(value),
            exact=exact(value),
            full=unit.full(value),
            change=change,
            remark=remark,
            points=series_points(course, self.metric, context, context.grain),
        )


_VERDICTS = {("up", "higher"): "good", ("down", "higher"): "bad"}
_VERDICTS |= {("up", "lower"): "bad", ("down", "lower"): "good"}


def change_of(
    row: Mapping[str, Any], name: str, context: Context, provenance: Mapping[str, Any]
) -> Change | None:
    """Return the change of a metric in words; None if there is nothing to compare with."""
    metric = provenance["metrics"][name]
    window = provenance.get("compared_with")
    value, before, step = (row.get(f"{name}{part}") for part in ("", "_previous", "_change"))
    if value is None or before is None or step is None or not window:
        return None
    start, end = (datetime.fromisoformat(window[side]) for side in ("start", "end"))
    if context.first is None or end <= context.first:
        return None
    span = span_words(start, end, year=context.period.start.year)
    is_whole = start.date() >= context.first.date()
    if not is_whole:
        span += f", data from {day_words(context.first)}"
    direction = "up" if step > 0 else "down" if step < 0 else "flat"
    rate = row.get(f"{name}_change_rate")
    if before < 0:
        moved = ""  # so many per cent of less than nothing says nothing
    else:
        moved = "no change" if direction == "flat" else "new" if rate is None else relative(rate)
    amount = "" if direction == "flat" else Unit.of(metric).step(step)
    # A window that data covers in part says little, so it is given and not judged.
    verdict = _VERDICTS.get((direction, metric["better"]), "neutral") if is_whole else "neutral"
    judged = {"good": ", better", "bad": ", worse"}.get(verdict, "")
    if direction == "flat":
        spoken = f"no change against {span}"
    elif before < 0:
        spoken = f"{direction} {amount} against {span}{judged}"
    elif rate is None:
        spoken = f"new: {amount} against {span}{judged}"
    else:
        spoken = f"{direction} {moved} ({amount}) against {span}{judged}"
    return Change(direction, verdict, moved, amount, f"vs {span}", spoken)
