"""What every source declares: how its records become events."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analyticspro.connectors.declared_types import (
    Columns,
    Currency,
    EventName,
    Every,
    SourceName,
    TimeFormat,
    Zone,
)
from analyticspro.connectors.values import Notation
from analyticspro.events import WriteMode

__all__ = [
    "Amount",
    "Columns",
    "Declared",
    "EventName",
    "EventRule",
    "Mapped",
    "Property",
    "Source",
    "SourceName",
    "Stream",
    "Time",
    "TimeFormat",
    "Version",
]


class Declared(BaseModel):
    """A table of `sources.toml`: what it does not know is a mistake, never passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventRule(Declared):
    """Gives a row another event name when a column starts with, or equals, a text."""

    name: EventName
    column: str
    starts_with: str | None = None
    equals: str | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if (self.starts_with is None) == (self.equals is None):
            raise ValueError("needs exactly one of starts_with and equals")
        return self


class Time(Declared):
    """When it happened: a column, and how it is written (ISO 8601 if nothing is said).

    Attributes:
        format: strptime's; or `epoch_s`, `epoch_ms`: seconds, milliseconds since 1970.
        formats: Several, tried in this order; the first that fits holds.
    """

    column: str
    format: TimeFormat | None = None
    formats: tuple[TimeFormat, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.format is not None and self.formats:
            raise ValueError("has both format and formats; put all into formats")
        return self

    def ways(self) -> tuple[str, ...]:
        """Return the formats to try, in order; none means ISO 8601."""
        return self.formats if self.format is None else (self.format,)


class Amount(Declared):
    """Money in major units: the product of one or more columns, and its currency.

    The currency is that of the source, unless a column holds it.
    """

    product: Columns = Field(min_length=1)
    currency_column: str | None = None


class Property(Declared):
    """A property of the event, from a column."""

    column: str
    type: Literal["text", "integer", "number", "boolean"] = "text"


class Source(Declared):
    """What every source declares of itself, whatever its connector.

    Attributes:
        every: How often it is synced by itself, such as `15m`; a whole number of seconds (s),
            minutes (m), hours (h) or days (d).
        cron: When it is synced by itself instead: minute, hour, day of month, month, day of
            week, on the wall clock of the workspace.
        fresh_within: How long after a good sync the next one may begin at the latest, such as
            `2h`; without it the schedule says when it is late.
    """

    name: SourceName
    connector: str
    title: str = ""
    every: Every | None = None
    cron: str | None = None
    fresh_within: Every | None = None

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if self.every is not None and self.cron is not None:
            raise ValueError("has both every and cron; leave one out")
        return self

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return what was declared, as plain JSON that `parse` takes."""
        return self.model_dump(mode="json", exclude_unset=True)


class Mapped(Declared):
    """How records become events.

    Attributes:
        key: Columns that identify a record for good.
        decimal: The sign before the decimals of amounts and numbers.
        thousands: The sign between groups of three digits, if there may be one.
        event: Name of the event that each record is, unless one of `event_rules` fits.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'"] | None = None
    timezone: Zone = "UTC"
    currency: Currency | None = None
    key: Columns = ()
    event: EventName
    event_rules: tuple[EventRule, ...] = ()
    occurred_at: Time
    customer_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    amount: Amount | None = None
    properties: dict[str, Property] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        wide = dict(given)
        for name in ("occurred_at", "version"):
            if isinstance(wide.get(name), str):
                wide[name] = {"column": wide[name]}
        if isinstance(wide.get("amount"), str):
            wide["amount"] = {"product": [wide["amount"]]}
        if isinstance(wide.get("properties"), dict):
            wide["properties"] = {
                name: {"column": value} if isinstance(value, str) else value
                for name, value in wide["properties"].items()
            }
        return wide

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "amount_unrounded" in self.properties:
            raise ValueError(
                "properties.amount_unrounded is kept for amounts that had to be rounded; "
                "choose another name"
            )
        if self.amount and not (self.currency or self.amount.currency_column):
            raise ValueError("amount needs currency (of the source) or amount.currency_column")
        for name in self.columns():
            if "\0" in name:
                raise ValueError(f"no column can be called {name!r}: it holds a NUL character")
        if self.thousands == self.decimal:
            raise ValueError(
                f"thousands is {self.thousands!r}, which is the decimal sign too; "
                "set decimal, or leave thousands out"
            )
        return self

    def notation(self) -> Notation | None:
        """Return how numbers are written; None for plain digits with a decimal point."""
        plain = self.decimal == "." and self.thousands is None
        return None if plain else Notation(self.decimal, self.thousands)

    def columns(self) -> set[str]:
        """Return the columns that the mapping reads."""
        named = [self.occurred_at.column, *self.key]
        named += [rule.column for rule in self.event_rules]
        named += [name for name in (self.customer_id, self.user_id, self.session_id) if name]
        named += [item.column for item in self.properties.values()]
        if self.amount:
            named += self.amount.product
            named += [self.amount.currency_column] if self.amount.currency_column else []
        return set(named)


class Version(Declared):
    """What orders the versions of a record: the higher supersedes the lower.

    Attributes:
        format: As of `Time`; or `number`, for a column that counts up.
    """

    column: str
    format: TimeFormat | Literal["number"] | None = None


class Stream(Mapped):
    """Records of one kind that a source gives piece by piece.

    Attributes:
        mode: What a second record under the same key means; see `WriteMode`. Without it,
            `merge` where a version is declared, else `append`.
        version: Needed for `merge`.
    """

    mode: WriteMode | None = None
    version: Version | None = None

    @model_validator(mode="after")
    def _can_write(self) -> Self:
        if not self.key:
            raise ValueError("key is missing: name the fields that identify a record for good")
        if self.write_mode is WriteMode.MERGE and self.version is None:
            raise ValueError("mode is 'merge', which needs version: what orders a record's states")
        return self

    @property
    def write_mode(self) -> WriteMode:
        """What a second record under the same key means."""
        if self.mode is not None:
            return self.mode
        return WriteMode.APPEND if self.version is None else WriteMode.MERGE

    def columns(self) -> set[str]:
        """Return the columns that the mapping reads."""
        return super().columns() | ({self.version.column} if self.version else set())
