"""The clauses of a metric's SQL that do not depend on where the rows come from.

Values are bound (`$name`), never written into it. What is written into the text comes from
the catalogue and from here alone: names of columns, and grains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.events import AUDIT, OWN_SOURCE
from analyticspro.grain import Grain, WeekStart
from analyticspro.metrics import catalog
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Property, Simple
from analyticspro.period import to_instant

__all__ = [
    "INTERVAL",
    "among",
    "bucket",
    "bucket_column",
    "business",
    "chosen",
    "condition",
    "conjunction",
    "counts_all",
    "dimension",
    "end",
    "key_columns",
    "kind",
    "lines",
    "local",
    "own",
    "quoted",
    "read",
    "utc",
    "values_of",
]

INTERVAL = {
    Grain.HOUR: "INTERVAL 1 HOUR",
    Grain.DAY: "INTERVAL 1 DAY",
    Grain.WEEK: "INTERVAL 7 DAY",
    Grain.MONTH: "INTERVAL 1 MONTH",
    Grain.QUARTER: "INTERVAL 3 MONTH",
    Grain.YEAR: "INTERVAL 1 YEAR",
}


def values_of(cut: Cut) -> dict[str, Any]:
    """Return the values that any clause of `cut` may name."""
    return {
        "zone": cut.zone.key,
        "start": utc(cut.start, cut.zone),
        "end": utc(cut.end, cut.zone),
        **{f"currency_{i}": code for i, code in enumerate(cut.currencies)},
    }


def utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time as the naive UTC time that the tables hold."""
    return to_instant(wall, zone).astimezone(UTC).replace(tzinfo=None)


def condition(
    cut: Cut, wanted: Sequence[Simple], values: dict[str, Any], *, from_start: bool
) -> str:
    """Return which events `wanted` are read from: live, in time, of their names, filtered."""
    terms = ["retired IS NULL", f"occurred_at < {end(cut, values)}"]
    if from_start:
        terms.append("occurred_at >= $start")
    return conjunction([*terms, *chosen(cut, wanted, values)])


def chosen(cut: Cut, wanted: Sequence[Simple], values: dict[str, Any]) -> list[str]:
    """Return the terms for the names that `wanted` count, and the cut's filters."""
    terms = []
    names = sorted({name for measure in wanted for name in measure.events})
    if all(measure.events for measure in wanted):
        terms.append(among("name", names, values))
    elif not any(name.startswith(AUDIT) for name in names):
        terms.append(business(values))
    for item in cut.where:
        column = dimension(item.dimension)
        terms.append(_filtered(column, item.values, values, exclude=item.exclude))
    return terms


def own(measure: Simple, values: dict[str, Any]) -> list[str]:
    """Return the terms for the events that `measure` counts, whatever is read beside it."""
    terms = [among("name", measure.events, values)] if measure.events else []
    if counts_all(measure):
        terms.append(business(values))
    for item in measure.where:
        terms.append(_filtered(read(item.of), item.values, values, exclude=item.exclude))
    return terms


def counts_all(measure: Simple) -> bool:
    """Return whether `measure` counts events of whatever name.

    Whom it counts does not matter here: the workspace's own events are about nobody.
    """
    return not measure.events and measure.column is None


def business(values: dict[str, Any]) -> str:
    """Return the term that an event is not one that the workspace tells of itself.

    What names no events is about the business: it counts none of these, whoever asks.
    """
    values["own_source"] = OWN_SOURCE
    return "source <> $own_source"


def among(column: str, wanted: Iterable[str], values: dict[str, Any]) -> str:
    """Return the term that `column` is one of `wanted`; each text is bound once.

    One by one, since DuckDB looks through a bound list for every row of a table.
    """
    bound = {text: name for name, text in values.items() if name.startswith(_TEXT)}
    for text in wanted:
        bound.setdefault(text, f"{_TEXT}{len(bound)}")
    values |= {name: text for text, name in bound.items()}
    return f"{column} IN ({', '.join(f'${bound[text]}' for text in wanted) or 'NULL'})"


def _filtered(column: str, wanted: Sequence[str], values: dict[str, Any], *, exclude: bool) -> str:
    test = among(column, wanted, values)
    return f"NOT coalesce({test}, false)" if exclude else test


def read(column: str | Property) -> str:
    """Return what reads a column, or a property."""
    if isinstance(column, str):
        return column
    path = "".join(f'."{key}"' for key in column.path.split("."))
    text = f"(properties->>'${path}')"
    return f"try_cast({text} AS DECIMAL(27, 9))" if column.kind == "number" else text


def conjunction(terms: Sequence[str]) -> str:
    """Return `terms` joined by AND."""
    return "\n  AND ".join(terms)


def end(cut: Cut, values: dict[str, Any]) -> str:
    """Return the first moment after the cut, which a source may have of its own."""
    cases = []
    for number, (source, at) in enumerate(cut.ends):
        values |= {f"source_{number}": source, f"end_{number}": utc(at, cut.zone)}
        cases.append(f"WHEN $source_{number} THEN $end_{number}::TIMESTAMP")
    return f"CASE source {' '.join(cases)} ELSE $end::TIMESTAMP END" if cases else "$end"


def key_columns(cut: Cut, at: str = "occurred_at") -> list[str]:
    """Return the columns that identify a row, from the UTC time `at`."""
    keys = [f"{dimension(name)} AS {quoted(name)}" for name in cut.by]
    return [*bucket_column(cut, local(at, cut)), *keys]


def bucket_column(cut: Cut, wall: str, *, is_bucket: bool = False) -> list[str]:
    """Return the column of the cut's grain, from the wall-clock time `wall`; none without.

    Args:
        cut: Whose grain.
        wall: The time.
        is_bucket: It is the start of a bucket of that grain already.
    """
    if cut.grain is None:
        return []
    found = wall if is_bucket else bucket(wall, cut)
    if cut.shifted:
        found = f"({found} + {INTERVAL[cut.grain]})"
    return [f"{found}::{kind(cut.grain)} AS {quoted(cut.grain)}"]


def local(at: str, cut: Cut) -> str:
    """Return the wall-clock time of the UTC time `at`."""
    return at if cut.zone.key == "UTC" else f"(({at} AT TIME ZONE 'UTC') AT TIME ZONE $zone)"


def bucket(wall: str, cut: Cut) -> str:
    """Return the start of the bucket that `wall` lies in."""
    if cut.grain is Grain.WEEK and cut.week_start is WeekStart.SUNDAY:
        return f"(date_trunc('week', {wall} + INTERVAL 1 DAY) - INTERVAL 1 DAY)"
    return f"date_trunc('{cut.grain}', {wall})"


def kind(grain: Grain) -> str:
    """Return the type of a bucket's start."""
    return "TIMESTAMP" if grain is Grain.HOUR else "DATE"


def dimension(name: str) -> str:
    """Return the column of a dimension, or what reads it if it is a property."""
    return _COLUMN.get(name, name)


def quoted(name: str) -> str:
    """Return `name` as an identifier."""
    return f'"{name}"'


def lines(*parts: str) -> str:
    """Return `parts`, each on a line."""
    return "\n".join(parts)


_TEXT = "text_"
_COLUMN = {"event": "name"} | {
    found.name: read(found.of) for found in catalog.DIMENSIONS.values() if found.of
}
