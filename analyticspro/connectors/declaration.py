"""What `sources.toml` says: each source, where it is, and how its records map to events."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from analyticspro.errors import DefinitionError, SettingError, UnknownName
from analyticspro.events import check_name
from analyticspro.money import exponent

__all__ = ["Amount", "EventRule", "Property", "Source", "Time", "load", "parse"]


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


def _time_format(form: str | None) -> str | None:
    if form is not None:
        try:
            datetime.strptime(_SOME_DAY.strftime(form), form)
        except ValueError as error:
            raise ValueError(f"{error}; write one such as %Y-%m-%d %H:%M:%S") from None
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
    """When it happened: a column, and its format (strptime; ISO 8601 if left out)."""

    column: str
    format: Annotated[str | None, AfterValidator(_time_format)] = None


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


class Source(_Declared):
    """One source of files: which files, how they are written, what a row means.

    Attributes:
        path: Files to read, with `*`, `?` and `**`; relative to the folder of
            sources.toml. `${NAME}` stands for an environment variable.
        key: Columns that identify a row for good; without them, its file's path and its
            row number do.
        event: Name of the event that each row is, unless one of `event_rules` fits.
    """

    name: str
    connector: Literal["files"] = "files"
    title: str = ""
    path: str
    format: Literal["csv"] = "csv"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        default=",", min_length=1, max_length=1
    )
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
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
        return self

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


def load(file: Path, environment: Mapping[str, str]) -> list[Source]:
    """Return the sources declared in `file`, in its order, with `${NAME}` filled in.

    Raises:
        SettingError: No such file, not TOML, a wrong or missing value (named with its
            place), or a variable that is not set.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingError(
            f"There is no {file}. Declare your sources there; "
            "examples/online-retail/sources.toml shows how."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.") from None
    for name in tables.keys() - {"sources"}:
        raise UnknownName.of("table", name, ["sources"], where=str(file))
    declared = tables.get("sources", {})
    if not isinstance(declared, dict):
        raise SettingError(f"{file}: sources must be tables, each headed [sources.NAME].")
    sources = []
    for name, table in declared.items():
        place = f"{file}, [sources.{name}]"
        if not isinstance(table, dict):
            raise SettingError(f"{place} must be a table of settings.")
        if "name" in table:
            raise SettingError(f"{place}: the source is named in its heading; remove name.")
        source = parse({"name": name, **_filled(table, environment, place)}, place)
        path = (file.parent / Path(source.path).expanduser()).absolute()
        sources.append(source.model_copy(update={"path": str(path)}))
    return sources


def parse(table: Mapping[str, Any], place: str) -> Source:
    """Return the source that `table` declares; errors name `place`, the field and the cure."""
    try:
        return Source.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        *outer, last = [str(part) for part in first["loc"]] or [""]
        if first["type"] == "extra_forbidden":
            where = ", ".join([place, ".".join(outer)] if outer else [place])
            known = _MODELS.get(outer[0] if outer else "", Source).model_fields
            raise UnknownName.of("setting", last, known, where=where) from None
        what = "is missing" if first["type"] == "missing" else _because(first)
        field = ".".join([*outer, last])
        raise SettingError(f"{place}: {field} {what}." if field else f"{place}: {what}.") from None


# The tables within the table of a source.
_MODELS: dict[str, type[BaseModel]] = {
    "amount": Amount,
    "event_rules": EventRule,
    "occurred_at": Time,
    "properties": Property,
}


def _because(problem: Mapping[str, Any]) -> str:
    reason = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    value = problem["input"]
    return f"is {value!r}: {reason}" if isinstance(value, str | int | float) else reason


def _filled(value: Any, environment: Mapping[str, str], place: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, environment, place) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment, place) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        text = environment.get(match[1])
        if text is None:
            raise SettingError(
                f"{place} uses ${{{match[1]}}}, which is not set. Set it first: export {match[1]}=…"
            )
        return text

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", fill, value)
