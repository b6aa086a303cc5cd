"""What `sources.toml` says: each source, where it is, and how its records map to events."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from analyticspro.connectors.values import EPOCHS, Notation
from analyticspro.errors import DefinitionError
from analyticspro.events import check_name
from analyticspro.money import exponent

__all__ = ["Amount", "EventRule", "Property", "Source", "Time"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _event_name(name: str) -> str:
    try:
        return check_name(name)
    except DefinitionError as error:
        raise ValueError(str(error)) from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no IANA zone; write one such as Europe/London") from None
    return name


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise ValueError("is no encoding; write one such as utf-8 or cp1252") from None
    return name


def _delimiter(character: str) -> str:
    if character in '"\r\n\0':
        raise ValueError("cannot part fields; write one such as , or ; or \\t")
    return character


def _time_format(form: str) -> str:
    if form in EPOCHS:
        return form
    try:
        if "%" not in form:
            raise ValueError("has no part of a time")
        datetime.strptime(_SOME_DAY.strftime(form), form)
    except ValueError as error:
        raise ValueError(
            f"{error}; write one such as %Y-%m-%d %H:%M:%S, or {' or '.join(EPOCHS)}"
        ) from None
    return form


def _once(columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(columns)) < len(columns):
        raise ValueError("names a column twice")
    return columns


def _currency(code: str) -> str:
    try:
        exponent(code)
    except DefinitionError as error:
        raise ValueError(str(error)) from None
    return code


_SOME_DAY = datetime(2011, 11, 5, 14, 30, tzinfo=UTC)

Columns = Annotated[tuple[str, ...], AfterValidator(_once)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]
EventName = Annotated[str, AfterValidator(_event_name)]


class EventRule(_Declared):
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


class Time(_Declared):
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


class Amount(_Declared):
    """Money in major units: the product of one or more columns, and its currency.

    The currency is that of the source, unless a column holds it.
    """

    product: Columns = Field(min_length=1)
    currency_column: str | None = None


class Property(_Declared):
    """A property of the event, from a column."""

    column: str
    type: Literal["text", "integer", "number", "boolean"] = "text"


# The settings that say nothing about a file of that format.
_NOT_OF_FORMAT = {
    "csv": (),
    "jsonl": ("delimiter", "decimal", "thousands"),
    "parquet": ("delimiter", "decimal", "thousands", "encoding"),
}


class Source(_Declared):
    """One source of files: which files, how they are written, what a row means.

    Attributes:
        path: Files to read, with `*`, `?` and `**`; relative to the folder of
            sources.toml. `${NAME}` stands for an environment variable.
        key: Columns that identify a row for good; without them, its file's path and its
            row number do.
        decimal: The sign before the decimals of amounts and numbers in a CSV.
        thousands: The sign between groups of three digits, if there may be one.
        settled_for: Seconds that a file must have been still before it is read.
        event: Name of the event that each row is, unless one of `event_rules` fits.
    """

    name: str
    connector: Literal["files"] = "files"
    title: str = ""
    path: str
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        default=",", min_length=1, max_length=1
    )
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'"] | None = None
    settled_for: Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)] = 0
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    currency: Annotated[str, AfterValidator(_currency)] | None = None
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
        if isinstance(wide.get("occurred_at"), str):
            wide["occurred_at"] = {"column": wide["occurred_at"]}
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
        if re.fullmatch(r"[a-z][a-z0-9_]{0,59}", self.name) is None:
            raise ValueError("a source's name has small letters, digits and underscores only")
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
        return self

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(
                f"thousands is {self.thousands!r}, which is the decimal sign too; "
                "set decimal, or leave thousands out"
            )
        for name in _NOT_OF_FORMAT[self.format]:
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} is {value!r}, which a file of format {self.format!r} does not have; "
                    f"remove {name}"
                )
        return self

    def notation(self) -> Notation | None:
        """Return how numbers are written; None for plain digits with a decimal point."""
        plain = self.decimal == "." and self.thousands is None
        return None if plain else Notation(self.decimal, self.thousands)

    def columns(self) -> set[str]:
        """Return the columns that a file of this source must have."""
        named = [self.occurred_at.column, *self.key]
        named += [rule.column for rule in self.event_rules]
        named += [name for name in (self.customer_id, self.user_id, self.session_id) if name]
        named += [item.column for item in self.properties.values()]
        if self.amount:
            named += self.amount.product
            named += [self.amount.currency_column] if self.amount.currency_column else []
        return set(named)
