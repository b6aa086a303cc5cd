"""Write docs/metrics.md anew from the catalogue of metrics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from analyticspro.metrics import catalog
from analyticspro.metrics.model import (
    Aggregation,
    Cumulative,
    Derived,
    Metric,
    OfSessions,
    Only,
    Property,
    Ratio,
    Simple,
    Trailing,
    Unit,
    is_null_of_nothing,
)

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
_HEAD = """# Metrics

What each figure means, of which events it is made, and what it can be cut by.
Written by `python scripts/metrics.py` from `analyticspro/metrics/catalog/`; not to be changed here.
`analyticspro metrics` lists the same. An amount is in one currency; 0.25 is shown as 25 %;
where there is nothing, a metric is 0, and one that is marked † has no value.
"""
_UNITS = {
    Unit.COUNT: "number",
    Unit.MONEY: "money",
    Unit.FRACTION: "fraction",
    Unit.SECONDS: "seconds",
}
_VERBS = {
    Aggregation.SUM: "sum of {}",
    Aggregation.COUNT_DISTINCT: "distinct {}",
    Aggregation.MEDIAN: "median of {}",
    Aggregation.P95: "95th percentile of {}",
}


def page() -> str:
    """Return the page as the catalogue is now."""
    parts = [_HEAD]
    for metric in catalog.METRICS.values():
        mark = " †" if is_null_of_nothing(metric) else ""
        parts.append(
            f"## {metric.title}{mark}\n\n`{metric.name}` · {_UNITS[metric.unit]} · "
            f"{_better(metric)}\n\n{metric.meaning}\n\n"
            f"- Is: {_made(metric)}\n- By: {_listed(metric.dimensions)}\n"
        )
    rows = [f"| `{d.name}` | {d.title} | {d.meaning} |" for d in catalog.DIMENSIONS.values()]
    head = ["## Dimensions\n", "| name | title | what it is |", "| --- | --- | --- |"]
    return "\n".join([*parts, *head, *rows, ""])


def _better(metric: Metric) -> str:
    return {"neutral": "neither way is better"}.get(metric.better, f"{metric.better} is better")


def _made(metric: Metric) -> str:
    match metric:
        case OfSessions():
            return f"sum of {metric.column} over the sessions that began in the bucket"
        case Simple():
            return _simple(metric)
        case Derived():
            plus = " + ".join(_made(one) for one in metric.plus)
            return plus + "".join(f" − {_made(one)}" for one in metric.minus)
        case Ratio():
            return f"({_made(metric.numerator)}) / ({_made(metric.denominator)})"
        case Cumulative():
            return f"since the first event, {_made(metric.of)}"
        case Trailing():
            mean = "mean by day" if metric.is_daily_mean else "together"
            return f"over {metric.days} days {mean}, {_made(metric.of)}"


def _simple(metric: Simple) -> str:
    of = "" if metric.column is None else _column(metric.column)
    if metric.aggregation is Aggregation.COUNT:
        what = f"number of events with {of}" if of else "number of events"
    else:
        what = _VERBS[metric.aggregation].format(of)
    names = f" of {_listed(metric.events)}" if metric.events else ""
    return what + names + "".join(f" where {_only(one)}" for one in metric.where)


def _only(one: Only) -> str:
    verb = "is none of" if one.exclude else "is"
    return f"{_column(one.of)} {verb} {_listed(one.values)}"


def _column(column: str | Property) -> str:
    return f"`{column if isinstance(column, str) else column.path}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
