"""A metric broken down by a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.bar_charts import Bar
from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.formats import Number, Unit
from analyticspro.dashboards.views import BarsView, TableView
from analyticspro.errors import DefinitionError
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Bars", "bars", "ranked"]


def bars(metric: str, by: str, top: int = 10) -> Bars:
    """Return a metric by the `top` largest values of a dimension.

    The others are summed as one bar only where a sum has a meaning: the customers of two
    countries, or two average values, do not add up.
    """
    if top < 1:
        raise DefinitionError(f"top is {top}; a chart needs at least 1 bar.")
    return Bars(metric, by, top)


@dataclass(frozen=True)
class Bars(Figure):
    """A metric broken down by a dimension."""

    metric: str
    by: str
    top: int = 10

    @property
    def name(self) -> str:
        """The metric and the dimension."""
        return f"{self.metric} by {self.by}"

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        return {"kind": "bars", "metric": self.metric, "by": self.by, "top": self.top}

    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return the one query."""
        return (context.query(self.metric, by=self.by),)

    def view(self, context: Context, answers: Sequence[Answer]) -> BarsView:
        """Return the chart."""
        answer = answers[0]
        metric = answer.provenance["metrics"][self.metric]
        unit = Unit.of(metric)
        rows = ranked(answer, self.metric, self.by)
        is_additive = bool(metric.get("additive"))
        shown, rest = rows[: self.top], rows[self.top :]
        whole = sum(float(value) for _, value in rows)
        is_shared = is_additive and rows and 0 < float(rows[0][1]) <= whole
        labels = [(label, value, False) for label, value in shown]
        if rest and is_additive:
            labels.append((f"Other ({len(rest)})", sum(value for _, value in rest), True))
        digits = unit.digits(value for _, value, _ in labels)
        drawn = []
        for label, value, is_rest in labels:
            share = f", {float(value) / whole * 100:.1f}% of all" if is_shared else ""
            words = f"{label}: {unit.full(value)}{share}"
            drawn.append(Bar(label, float(value), unit.short(value), words, is_rest))
        dimension = self.by.replace("_", " ")
        return BarsView(
            title=f"{metric['title']} by {dimension}",
            meaning=metric["meaning"],
            note=f"top {len(shown)} of {len(rows)}" if rest else "",
            bars=tuple(drawn),
            table=TableView(
                title=f"{metric['title']} by {dimension}",
                columns=((dimension.capitalize(), ""), (metric["title"], metric["meaning"])),
                rows=tuple((label, unit.full(value, digits=digits)) for label, value, _ in labels),
                metrics=(self.metric,),
            ),
        )


def ranked(answer: Answer, metric: str, by: str) -> list[tuple[str, Number]]:
    """Return (dimension value, metric) pairs, the largest first, without null metrics."""
    rows = [
        ("(none)" if label is None else label, value)
        for label, value in answer.frame.select(by, metric).iter_rows()
        if value is not None
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
