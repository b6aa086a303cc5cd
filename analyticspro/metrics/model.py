"""What a metric is: a definition, from which SQL, titles, formats and colours follow."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Literal, TypeAlias

from analyticspro.errors import DefinitionError

__all__ = [
    "Aggregation",
    "Cumulative",
    "Derived",
    "Dimension",
    "Measured",
    "Metric",
    "OfSessions",
    "Only",
    "Property",
    "Ratio",
    "Simple",
    "Trailing",
    "Unit",
    "is_additive",
    "is_null_of_nothing",
    "is_to_date",
    "measures",
    "version",
]

Better = Literal["higher", "lower", "neutral"]


class Unit(StrEnum):
    """What a value is counted in."""

    COUNT = "count"
    MONEY = "money"  # major units of one currency
    FRACTION = "fraction"  # 0.25 is a quarter, shown as 25 %
    SECONDS = "seconds"  # shown as 850 ms, 2.4 s, 3 min


class Aggregation(StrEnum):
    """How the events of a bucket become one value."""

    COUNT = "count"
    SUM = "sum"
    COUNT_DISTINCT = "count_distinct"  # ignores null; never summed over buckets or segments
    MEDIAN = "median"  # of the values that are there, null without any; never summed
    P95 = "p95"  # 95 of 100 values are at most this, interpolated


_PERCENTILES = (Aggregation.MEDIAN, Aggregation.P95)
_PATH = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*"


@dataclass(frozen=True)
class Property:
    """A property of the events that is no column of theirs: it is read out of their JSON.

    A number may have come as a text, and is exact up to 18 digits before the point and 9 after
    it. What cannot be read as the kind that is declared counts as if it were not there.

    Attributes:
        path: Its name; for one within another, both, with a dot between.
        kind: As what it is read.
    """

    path: str
    kind: Literal["text", "number"] = "text"

    def __post_init__(self) -> None:
        # It is written into the SQL, as names of columns are.
        if re.fullmatch(_PATH, self.path) is None:
            raise DefinitionError(
                f"{self.path!r} cannot name a property of a metric. Use small letters, digits "
                "and underscores, and a dot for one within another, such as address.city."
            )


@dataclass(frozen=True)
class Only:
    """Events of which `of` (a column or a property) is one of `values`, or none (`exclude`)."""

    of: str | Property
    values: tuple[str, ...]
    exclude: bool = False


@dataclass(frozen=True)
class Dimension:
    """What figures can be broken down and filtered by: a column of the events, or a property.

    Attributes:
        of: The property it is, read as text; None if it is a column.
        tags: What data policies grant it by, besides what its column or property carries.
    """

    name: str
    title: str
    meaning: str
    of: Property | None = None
    tags: tuple[str, ...] = ()


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
    """An aggregate of one column over events of some names; no names means all events.

    Attributes:
        column: What is aggregated: a column, or a property; None to count events.
        where: What else an event must be, to count; it must pass all.
        one_is: What 1 in the column is in the metric's unit: a minute is 60 seconds.
    """

    events: tuple[str, ...]
    aggregation: Aggregation
    column: str | Property | None = None
    where: tuple[Only, ...] = ()
    one_is: Fraction = Fraction(1)


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
    """One metric over another, of the same bucket; null when the denominator is 0.

    Both are of the same kind: within the bucket, of days up to its end, or running totals.
    """

    numerator: Simple | Derived | Trailing | Cumulative
    denominator: Simple | Derived | Trailing | Cumulative


@dataclass(frozen=True, kw_only=True)
class Cumulative(_Described):
    """The running total of `of` since the first event, up to the end of each bucket.

    A distinct count counts everyone once, when first seen.
    """

    of: Simple | Derived


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
            found = measures(metric.of)
    return tuple(dict.fromkeys(found))


def version(metric: Metric) -> str:
    """Return a short hash of the definition: it changes when the meaning may have."""
    return hashlib.blake2b(repr(metric).encode(), digest_size=4).hexdigest()


def is_additive(metric: Metric) -> bool:
    """Return whether the metric's values over segments or buckets may be summed."""
    match metric:
        case Simple():
            return metric.aggregation in (Aggregation.COUNT, Aggregation.SUM)
        case Derived():
            return all(is_additive(term) for term in metric.plus + metric.minus)
        case _:
            return False


def is_to_date(metric: Metric) -> bool:
    """Return whether the metric is a running total, or one over another."""
    top = metric.numerator if isinstance(metric, Ratio) else metric
    return isinstance(top, Cumulative)


def is_null_of_nothing(metric: Metric) -> bool:
    """Return whether the metric has no value where nothing happened; others are 0 there."""
    if isinstance(metric, Simple):
        return metric.aggregation in _PERCENTILES
    return isinstance(metric, Ratio)
