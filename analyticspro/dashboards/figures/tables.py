"""Several metrics side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.figures.series import bucket_of
from analyticspro.dashboards.formats import Unit, bucket_words, exact
from analyticspro.dashboards.views import TableView
from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Table", "table"]


def table(
    metrics: Sequence[str],
    by: str | None = None,
    grain: str | None = None,
    top: int | None = None,
) -> Table:
    """Return metrics side by side, one row per value of a dimension or per bucket of time.

    Args:
        metrics: Names from the catalogue; rows by a dimension are ordered by the first.
        by: The dimension of the rows.
        grain: The length of a bucket, for rows in order of time.
        top: How many rows at most; the total is of all, shown or not.

    Raises:
        DefinitionError: Neither or both of `by` and `grain`, or no metric.
    """
    if (by is None) == (grain is None):
        raise DefinitionError("A table needs by='country' or grain='month', one of the two.")
    if not metrics:
        raise DefinitionError("A table needs at least one metric.")
    return Table(tuple(metrics), by, None if grain is None else Grain.parse(grain), top)


@dataclass(frozen=True)
class Table(Figure):
    """Several metrics side by side."""

    metrics: tuple[str, ...]
    by: str | None = None
    grain: Grain | None = None
    top: int | None = None

    @property
    def name(self) -> str:
        """The metrics and what the rows are."""
        return f"{', '.join(self.metrics)} by {self.by or self.grain}"

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        return {
            "kind": "table",
            "metrics": list(self.metrics),
            "by": self.by,
            "grain": self.grain,
            "top": self.top,
        }

    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return the rows, and the total, which is asked for: not every metric adds up."""
        return (
            context.query(*self.metrics, grain=self.grain, by=self.by),
            context.query(*self.metrics),
        )

    def view(self, context: Context, answers: Sequence[Answer]) -> TableView:
        """Return the table."""
        detail, whole = answers
        described = detail.provenance["metrics"]
        units = [Unit.of(described[name]) for name in self.metrics]
        rows = list(detail.frame.iter_rows(named=True))
        if self.by is not None:
            rows.sort(key=lambda row: _descending(row[self.metrics[0]]))
        shown = rows[: self.top]
        kind = (self.by or str(self.grain)).replace("_", " ")
        total = next(whole.frame.iter_rows(named=True), None) if len(rows) > 1 else None
        labels = [self._label(row, context) for row in shown]
        written = self._written([*shown, total] if total else shown, units)
        return TableView(
            title=f"By {kind}",
            columns=(
                (kind.capitalize(), ""),
                *((described[name]["title"], described[name]["meaning"]) for name in self.metrics),
            ),
            rows=tuple((label, *row) for label, row in zip(labels, written, strict=False)),
            exact=tuple(
                (label, *self._exact(row)) for label, row in zip(labels, shown, strict=True)
            ),
            metrics=self.metrics,
            total=("Total", *written[-1]) if total else None,
            total_exact=("Total", *self._exact(total)) if total else (),
            note=f"top {len(shown)} of {len(rows)}" if len(shown) < len(rows) else "",
        )

    def _label(self, row: Mapping[str, Any], context: Context) -> str:
        if self.grain is not None:
            at = bucket_of(row[self.grain.value], self.grain, context.week_start)
            return bucket_words(at, self.grain)
        label = row[self.by or ""]
        return "(none)" if label is None else str(label)

    def _written(
        self, rows: Sequence[Mapping[str, Any]], units: Sequence[Unit]
    ) -> list[tuple[str, ...]]:
        """Return the rows in words, each column with the same number of digits."""
        columns = []
        for name, unit in zip(self.metrics, units, strict=True):
            digits = unit.digits(row[name] for row in rows)
            columns.append([unit.full(row[name], digits=digits) for row in rows])
        return list(zip(*columns, strict=True))

    def _exact(self, row: Mapping[str, Any]) -> list[str]:
        return [exact(row[name]) for name in self.metrics]


def _descending(value: Any) -> tuple[bool, float]:
    return (value is None, 0.0 if value is None else -float(value))
