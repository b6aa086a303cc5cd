"""Series as points: which buckets there are, which are empty, which is not over yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context
from analyticspro.dashboards.formats import Number, Unit, bucket_words
from analyticspro.dashboards.line_charts import Point
from analyticspro.grain import Grain, WeekStart, add, floor

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["bucket_of", "bucket_starts", "is_zero_when_absent", "series_points", "values_of"]


def bucket_starts(
    start: datetime, end: datetime, grain: Grain, week_start: WeekStart
) -> list[datetime]:
    """Return the start of every bucket that touches `[start, end)`."""
    starts = [floor(start, grain, week_start)]
    while (following := add(starts[-1], grain, 1)) < end:
        starts.append(following)
    return starts


def bucket_of(value: date, grain: Grain, week_start: WeekStart) -> datetime:
    """Return the bucket's start as a wall-clock time, whichever type the frame gave."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return floor(at.replace(tzinfo=None), grain, week_start)


def is_zero_when_absent(metric: Mapping[str, Any]) -> bool:
    """Return whether a bucket without rows means 0; for a ratio it means no value at all."""
    return bool(metric["zero_of_nothing"])


def values_of(
    answer: Answer, metric: str, grain: Grain, week_start: WeekStart
) -> dict[datetime, Number]:
    """Return the metric's value by bucket start, without the null ones."""
    return {
        bucket_of(at, grain, week_start): value
        for at, value in answer.frame.select(grain.value, metric).iter_rows()
        if value is not None
    }


def series_points(
    answer: Answer,
    metric: str,
    context: Context,
    grain: Grain,
    *,
    values: Mapping[datetime, Number] | None = None,
    series: int = 0,
    label: str = "",
    extra: Mapping[datetime, str] | None = None,
) -> tuple[Point, ...]:
    """Return one point per bucket from the first data to the last that is known.

    A bucket of which nothing is known yet has no point; one that is known in part is
    marked. A bucket without rows is 0 or a gap, as the metric is.

    Args:
        answer: To a query with this grain.
        metric: Which one.
        context: What it is drawn for.
        grain: The query's.
        values: The values by bucket, if the answer holds several series.
        series: Index of the line.
        label: Said before the value, such as the country.
        extra: More words per bucket.
    """
    known = values_of(answer, metric, grain, context.week_start) if values is None else values
    described = answer.provenance["metrics"][metric]
    unit = Unit.of(described)
    absent = 0 if is_zero_when_absent(described) else None
    until = _until(answer.provenance, context)
    points = []
    period = context.period
    for at in bucket_starts(period.start, period.end, grain, context.week_start):
        end = add(at, grain, 1)
        if (until and at >= until) or (context.first and end <= context.first):
            continue
        is_partial = until is not None and until < min(end, period.end)
        value = known.get(at, absent)
        parts = [f"{label}: {unit.full(value)}" if label else unit.full(value)]
        parts += ["not over yet"] if is_partial else []
        parts += [extra[at]] if extra and at in extra else []
        words = f"{bucket_words(at, grain)}: {'; '.join(parts)}"
        points.append(Point(at, _float(value), words, series, is_partial))
    return tuple(points)


def _until(provenance: Mapping[str, Any], context: Context) -> datetime | None:
    text = provenance["period"].get("until")
    return datetime.fromisoformat(text) if text else context.last


def _float(value: Number | None) -> float | None:
    return None if value is None else float(value)
