"""The question: which metrics, cut how, over which period, for which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain

__all__ = ["Filter", "Query"]


@dataclass(frozen=True)
class Filter:
    """Rows whose dimension has one of `values`, or (`exclude`) none of them."""

    dimension: str
    values: tuple[str, ...]
    exclude: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise DefinitionError(f"The filter on {self.dimension} names no value. Name one.")
        for value in self.values:
            try:
                value.encode()
            except UnicodeEncodeError:
                raise DefinitionError(
                    f"The value {value!r} of the filter on {self.dimension} is broken text."
                ) from None

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Return the filter written as `country=France` or `country!=France`.

        >>> Filter.parse("country!=France")
        Filter(dimension='country', values=('France',), exclude=True)
        """
        name, sign, value = text.partition("=")
        if not sign or not name.rstrip("!").strip():
            raise DefinitionError(
                f"{text!r} is not a filter. Write it as country=France or country!=France."
            )
        return cls(name.rstrip("!").strip(), (value,), exclude=name.endswith("!"))


@dataclass(frozen=True)
class Query:
    """A question about metrics.

    Attributes:
        metrics: Names from the catalogue, at least one.
        grain: Length of the buckets; None for one figure over the whole period.
        by: Dimensions to break down by, in order.
        period: A period as `period.parse_period` reads it; `all` by default.
        where: Filters; a row must pass every one.
        compare: Also give each figure's previous comparable value and its change.
        as_of: Answer with what was known at this moment; None for all that is known.
    """

    metrics: tuple[str, ...]
    grain: Grain | None = None
    by: tuple[str, ...] = ()
    period: str = "all"
    where: tuple[Filter, ...] = ()
    compare: bool = False
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if self.as_of is not None and self.as_of.tzinfo is None:
            raise DefinitionError(
                f"as_of is {self.as_of.isoformat()}, which could be any zone's. "
                f"Write it with one, such as {self.as_of.isoformat()}Z."
            )

    @classmethod
    def of(
        cls,
        *metrics: str,
        grain: str | None = None,
        by: str | tuple[str, ...] | list[str] = (),
        period: str = "all",
        where: Mapping[str, str | list[str]] | None = None,
        compare: bool = False,
        as_of: datetime | str | None = None,
    ) -> Query:
        """Return the query in a person's words, such as `Query.of("revenue", by="country")`."""
        return cls(
            metrics=metrics,
            grain=None if grain is None else Grain.parse(grain),
            by=(by,) if isinstance(by, str) else tuple(by),
            period=period,
            where=tuple(
                Filter(name, (value,) if isinstance(value, str) else tuple(value))
                for name, value in (where or {}).items()
            ),
            compare=compare,
            as_of=_moment(as_of) if isinstance(as_of, str) else as_of,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the query as it is sent over HTTP."""
        return {
            "metrics": list(self.metrics),
            "grain": self.grain,
            "by": list(self.by),
            "period": self.period,
            "where": [
                {"dimension": f.dimension, "values": list(f.values), "exclude": f.exclude}
                for f in self.where
            ],
            "compare": self.compare,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
        }


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise DefinitionError(
            f"as_of is {text!r}, which is no moment. Write one such as 2011-12-01T09:30:00Z."
        ) from None
