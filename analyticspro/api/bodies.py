"""What requests and refusals carry: their shapes, and the limits of what is accepted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from analyticspro.errors import DefinitionError
from analyticspro.grain import Grain
from analyticspro.metrics import Filter, Query

__all__ = [
    "CodeBody",
    "DemoBody",
    "FiguresBody",
    "QueriesBody",
    "QueryBody",
    "RefusalBody",
    "ReplayBody",
    "SqlBody",
    "SyncBody",
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterBody(_Body):
    """Rows whose dimension has one of the values, or none of them."""

    dimension: str
    values: list[str] = Field(min_length=1, max_length=1000)
    exclude: bool = False


class QueryBody(_Body):
    """A question about metrics; see the command `analyticspro query --help`."""

    metrics: list[str] = Field(min_length=1, max_length=50, examples=[["revenue", "orders"]])
    grain: str | None = Field(default=None, examples=["month"])
    by: list[str] = Field(default_factory=list, max_length=8, examples=[["country"]])
    period: str = Field(default="all", max_length=100, examples=["2011-11"])
    where: list[FilterBody] = Field(default_factory=list, max_length=50)
    compare: bool = False
    as_of: AwareDatetime | None = Field(default=None, examples=["2011-12-01T00:00:00Z"])

    def query(self) -> Query:
        """Return the question as the library puts it; raises UnknownName for a bad grain."""
        return Query(
            metrics=tuple(self.metrics),
            grain=None if self.grain is None else Grain.parse(self.grain),
            by=tuple(self.by),
            period=self.period,
            where=tuple(
                Filter(item.dimension, tuple(item.values), item.exclude) for item in self.where
            ),
            compare=self.compare,
            as_of=self.as_of,
        )


class QueriesBody(_Body):
    """Questions to be answered from one moment."""

    queries: list[QueryBody] = Field(min_length=1, max_length=200)


class FiguresBody(_Body):
    """All that a page of figures asks for, to be answered together."""

    queries: list[QueryBody] = Field(default_factory=list, max_length=200)
    values: list[str] = Field(default_factory=list, max_length=50, examples=[["country"]])


class BackupBody(_Body):
    """Where to make a backup, and how many to keep of those in the home."""

    into: str | None = Field(default=None, max_length=4096)
    keep: int | None = Field(default=None, ge=1, le=1000)


class ReplayBody(_Body):
    """Which source's rejects to map anew: its declaration, as in sources.toml."""

    source: dict[str, Any]


class SyncBody(_Body):
    """Which sources to sync: declarations as in sources.toml, or the home's own file."""

    sources: list[dict[str, Any]] | None = Field(default=None, max_length=100)


class TypedBody(_Body):
    """A value that JSON has no form for, as text."""

    type: Literal["date", "datetime", "decimal"]
    text: str = Field(max_length=100, examples=["2011-11-05T14:30:00"])

    def value(self) -> date | datetime | Decimal:
        """Return it; raises DefinitionError."""
        try:
            if self.type == "decimal":
                return Decimal(self.text)
            return (date if self.type == "date" else datetime).fromisoformat(self.text)
        except (ValueError, ArithmeticError):
            raise DefinitionError(f"{self.text!r} is no {self.type}.") from None


_Value = bool | int | float | str | TypedBody | None


class SqlBody(_Body):
    """A statement on the views events, sessions and customers; `$name` stands for a value."""

    statement: str = Field(
        max_length=20_000, examples=["SELECT name, count(*) AS n FROM events GROUP BY name"]
    )
    values: dict[str, _Value | list[_Value]] = Field(default_factory=dict, max_length=100)

    def bound(self) -> dict[str, Any]:
        """Return what the names of the statement stand for."""
        return {name: _plain(value) for name, value in self.values.items()}


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.value() if isinstance(value, TypedBody) else value


class DemoBody(_Body):
    """How much demo data, and which."""

    events: int = Field(default=200_000, ge=1_000, le=5_000_000)
    seed: int = Field(default=7, ge=0, lt=2**63)


class CodeBody(_Body):
    """The code of a one-time link."""

    code: str = Field(max_length=200)


class ErrorBody(_Body):
    """What went wrong."""

    code: str = Field(examples=["unknown_name"])
    message: str = Field(examples=["No metric 'revenu'. Did you mean 'revenue'?"])


class RefusalBody(_Body):
    """The answer to a request that cannot be met."""

    error: ErrorBody
