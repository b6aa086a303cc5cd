"""A metric over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.figures.series import (
    bucket_of,
    bucket_starts,
    is_zero_when_absent,
    series_points,
    values_of,
)
from analyticspro.dashboards.formats import Number, Unit, bucket_words, period_words, span_words
from analyticspro.dashboards.line_charts import Point
from analyticspro.dashboards.views import LineView, TableView
from analyticspro.grain import Grain
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["Line", "line"]

_MOST_LINES = 6


def line(metric: str, grain: str | None = None, by: str | None = None) -> Line:
    """Return a metric over time, the previous period faintly behind it.

    Args:
        metric: Name from the catalogue.
        grain: Length of a bucket; None chooses one that suits the period's length.
        by: A dimension: one line for each of its six largest values instead.
    """
    return Line(metric, None if grain is None else Grain.parse(grain), by)


@dataclass(frozen=True)
class Line(Figure):
    """A metric over time."""

    metric: str
    grain: Grain | None = None
    by: str | None = None

    @property
    def name(self) -> str:
        """The metric, and by what it is broken down."""
        return f"{self.metric} by {self.by}" if self.by else f"{self.metric} over time"

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        return {"kind": "line", "metric": self.metric, "grain": self.grain, "by": self.by}

    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return the series, and that of the previous period if there was data in it."""
        grain = self.grain or context.grain
        asked = [context.query(self.metric, grain=grain, by=self.by)]
        if self.by is None and context.previous is not None:
            asked.append(context.query(self.metric, grain=grain, window=context.previous))
        return tuple(asked)

    def view(self, context: Context, answers: Sequence[Answer]) -> LineView:
        """Return the chart."""
        grain = self.grain or context.grain
        now = answers[0]
        metric = now.provenance["metrics"][self.metric]
        period = context.period
        starts = bucket_starts(period.start, period.end, grain, context.week_start)
        before: tuple[Point, ...] = ()
        names: tuple[str, ...] = ("",)
        note = f"by {grain.value}"
        if self.by is None:
            past = self._past(context, answers[1:], starts, grain)
            before = tuple(Point(at, float(value), "") for at, _, value in past)
            extra = {at: words for at, words, _ in past}
            points = series_points(now, self.metric, context, grain, extra=extra)
        else:
            points, names, of = self._lines(now, context, grain)
            note += f", top {len(names)} of {of}" if of > len(names) else ""
        return LineView(
            title=metric["title"] + (f" by {self.by.replace('_', ' ')}" if self.by else ""),
            meaning=metric["meaning"],
            note=note,
            unit=Unit.of(metric),
            grain=grain,
            starts=tuple(starts),
            points=points,
            names=names,
            zero=is_zero_when_absent(metric),
            before=before,
            before_name=span_words(*context.previous) if before and context.previous else "",
            now_name=period_words(period.name, period.start, period.end),
            has_partial=any(point.is_partial for point in points),
            table=_as_table(metric, points, names, grain, self.metric),
        )

    def _past(
        self, context: Context, answers: Sequence[Answer], starts: list[datetime], grain: Grain
    ) -> list[tuple[datetime, str, Number]]:
        """Return (this period's bucket, words, value) for each bucket of the previous one."""
        if not answers or context.previous is None or context.first is None:
            return []
        metric = answers[0].provenance["metrics"][self.metric]
        known = values_of(answers[0], self.metric, grain, context.week_start)
        absent = 0 if is_zero_when_absent(metric) else None
        past = bucket_starts(*context.previous, grain, context.week_start)
        found = []
        for at, then in zip(starts, past, strict=False):
            value = known.get(then, absent)
            is_known = then >= bucket_of(context.first, grain, context.week_start)
            if value is not None and is_known:
                words = f"{bucket_words(then, grain)}: {Unit.of(metric).full(value)}"
                found.append((at, words, value))
        return found

    def _lines(
        self, answer: Answer, context: Context, grain: Grain
    ) -> tuple[tuple[Point, ...], tuple[str, ...], int]:
        """Return the points of the largest values of `by`, their names, and how many there are."""
        known: dict[str, dict[datetime, Number]] = {}
        columns = answer.frame.select(grain.value, self.by or "", self.metric)
        for at, name, value in columns.iter_rows():
            bucket = bucket_of(at, grain, context.week_start)
            if value is not None:
                known.setdefault("(none)" if name is None else name, {})[bucket] = value
        largest = sorted(known, key=lambda name: -sum(abs(float(v)) for v in known[name].values()))
        names = tuple(largest[:_MOST_LINES])
        points: list[Point] = []
        for index, name in enumerate(names):
            points += series_points(
                answer,
                self.metric,
                context,
                grain,
                values=known[name],
                series=index,
                label=name,
            )
        return tuple(points), names or ("",), len(known)


def _as_table(
    metric: dict[str, Any],
    points: Sequence[Point],
    names: Sequence[str],
    grain: Grain,
    name: str,
) -> TableView:
    unit = Unit.of(metric)
    values: dict[datetime, dict[int, float | None]] = {}
    for point in points:
        values.setdefault(point.at, {})[point.series] = point.value
    digits = unit.digits(point.value for point in points)
    heads = names if len(names) > 1 else (metric["title"],)
    return TableView(
        title=metric["title"],
        columns=((grain.value.capitalize(), ""), *((head, metric["meaning"]) for head in heads)),
        rows=tuple(
            (
                bucket_words(at, grain),
                *(unit.full(found.get(index), digits=digits) for index in range(len(heads))),
            )
            for at, found in sorted(values.items())
        ),
        metrics=(name,) * len(heads),
    )
