"""A metric in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures.breakdown import ranked
from analyticspro.dashboards.figures.cards import change_of
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.formats import Unit, period_words
from analyticspro.dashboards.views import Sentences
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Summary", "summary"]


def summary(metric: str, by: str | None = None) -> Summary:
    """Return a metric in words, with its change and the largest value of a dimension."""
    return Summary(metric, by)


@dataclass(frozen=True)
class Summary(Figure):
    """A metric in a sentence or two."""

    metric: str
    by: str | None = None

    @property
    def name(self) -> str:
        """The metric."""
        return f"{self.metric} in words"

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        return {"kind": "summary", "metric": self.metric, "by": self.by}

    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return the value with its comparison, and the breakdown if one is wanted."""
        whole = context.query(self.metric, compare=True)
        return (whole, context.query(self.metric, by=self.by)) if self.by else (whole,)

    def view(self, context: Context, answers: Sequence[Answer]) -> Sentences:
        """Return the sentences."""
        whole = answers[0]
        metric = whole.provenance["metrics"][self.metric]
        unit = Unit.of(metric)
        row = next(whole.frame.iter_rows(named=True), {})
        value = row.get(self.metric)
        if value is None:
            return Sentences(())
        text = f"{metric['title']} was {unit.full(value)} {_when(context, whole)}"
        change = change_of(row, self.metric, context, whole.provenance)
        if change is not None and change.direction != "flat":
            moved = "" if change.rate in ("", "new") else f" {change.rate}"
            against = change.against.removeprefix("vs ")
            text += f", {change.direction}{moved} ({change.step}) on {against}"
        sentences = [f"{text}."]
        if self.by is not None:
            sentences += self._largest(answers[1], metric, unit)
        return Sentences(sentences)

    def _largest(self, answer: Answer, metric: dict[str, Any], unit: Unit) -> list[str]:
        rows = ranked(answer, self.metric, self.by or "")
        if len(rows) < 2:
            return []
        label, value = rows[0]
        whole = sum(float(each) for _, each in rows)
        is_shared = metric.get("additive") and 0 < float(value) <= whole
        share = f", {float(value) / whole * 100:.0f}% of it" if is_shared else ""
        dimension = (self.by or "").replace("_", " ")
        most = f"{label} had the most: {unit.full(value)}{share}"
        return [f"Of {len(rows)} {_plural(dimension)}, {most}."]


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _when(context: Context, answer: Answer) -> str:
    period = context.period
    words = period_words(period.name, period.start, period.end)
    until = answer.provenance["period"].get("until")
    so_far = " so far" if until and datetime.fromisoformat(until) < period.end else ""
    if period.name == "all":
        return "over all time"
    if words.startswith(("Last", "This", "Today", "Yesterday")):
        known = {"Today": "today", "Yesterday": "yesterday"}
        return known.get(words) or f"in the {words.lower()}" if words[0] == "L" else words.lower()
    return f"in {words}{so_far}" if "–" not in words else f"over {words}{so_far}"
