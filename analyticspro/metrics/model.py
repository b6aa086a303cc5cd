"""What a metric is: a definition, from which SQL, titles, formats and colours follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

__all__ = [
    "Aggregation",
    "Cumulative",
    "Derived",
    "Dimension",
    "Measured",
    "Metric",
    "OfSessions",
    "Ratio",
    "Simple",
    "Trailing",
    "Unit",
    "is_additive",
    "measures",
    "version",
]

Better = Literal["higher", "lower", "neutral"]


class Unit(StrEnum):
    """What a value is counted in."""

    COUNT = "count"
    MONEY = "money"  # major units of one currency
    FRACTION = "fraction"  # 0.25 is a quarter, shown as 25 %


class Aggregation(StrEnum):
    """How the events of a bucket become one value."""

    COUNT = "count"
    SUM = "sum"
    COUNT_DISTINCT = "count_distinct"  # ignores null; never summed over buckets or segments


@dataclass(frozen=True)
class Dimension:
    """What figures can be broken down and filtered by: a column of the events."""

    name: str
    title: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class _Described:
    """What every metric says of itself.

    Attributes:
        better: Which direction is good news; colours follow from it.
        dimensions: Names of the dimensions it may be broken down and filtered by.
        tags: What data policies grant access by.
    """

    name: str
    title: str
    meaning: str
    unit: Unit
    better: Better
    dimensions: tuple[str, ...]
    tags: tuple[str, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Simple(_Described):
    """An aggregate of one column over events of some names; no names means all events."""

    events: tuple[str, ...]
    aggregation: Aggregation
    column: str | None = None


@dataclass(frozen=True, kw_only=True)
class OfSessions(Simple):
    """Something of sessions, added up: each in the bucket, and in the segment, it began in.

    Attributes:
        column: `sessions` (how many), `bounces`, `page_views` or `seconds` (how long).
    """

    events: tuple[str, ...] = ()
    aggregation: Aggregation = Aggregation.SUM


@dataclass(frozen=True, kw_only=True)
class Derived(_Described):
    """Metrics added (`plus`) and subtracted (`minus`)."""

    plus: tuple[Simple, ...] = ()
    minus: tuple[Simple, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ratio(_Described):
    """One metric over another, of the same bucket; null when the denominator is 0."""

    numerator: Simple | Derived | Trailing
    denominator: Simple | Derived | Trailing


@dataclass(frozen=True, kw_only=True)
class Cumulative(_Described):
    """The running total of `of` since the first event, up to the end of each bucket.

    A distinct count counts everyone once, when first seen.
    """

    of: Simple


@dataclass(frozen=True, kw_only=True)
class Trailing(_Described):
    """The distinct count `of` over the calendar days that end with each bucket's last one.

    The last bucket ends where what is known ends, so its last day may be a part of one. There
    is a value for every bucket, whether anything happened in it or not.

    Attributes:
        days: How many, the last one included.
        is_daily_mean: The mean of what each of the days counts by itself, instead.
    """

    of: Simple
    days: int
    is_daily_mean: bool = False


Measured: TypeAlias = Simple | Derived | Ratio | Trailing
Metric: TypeAlias = Measured | Cumulative


def measures(metric: Metric) -> tuple[Simple, ...]:
    """Return the aggregates that `metric` is made of, each once."""
    match metric:
        case Simple():
            found: tuple[Simple, ...] = (metric,)
        case Derived():
            found = metric.plus + metric.minus
        case Ratio():
            found = measures(metric.numerator) + measures(metric.denominator)
        case Cumulative() | Trailing():
            found = (metric.of,)
    return tuple(dict.fromkeys(found))


def version(metric: Metric) -> str:
    """Return a short hash of the definition: it changes when the meaning may have."""
    return hashlib.blake2b(repr(metric).encode(), digest_size=4).hexdigest()


def is_additive(metric: Metric) -> bool:
    """Return whether the metric's values over segments or buckets may be summed."""
    match metric:
        case Simple():
            return metric.aggregation is not Aggregation.COUNT_DISTINCT
        case Derived():
            return all(is_additive(term) for term in metric.plus + metric.minus)
        case _:
            return False
