"""Contracts: what the events of a name must hold to, declared in `contracts.toml`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from analyticspro.errors import DefinitionError, SettingError, UnknownName
from analyticspro.events import check_name
from analyticspro.warehouse import keys_of

__all__ = ["Contract", "Kind", "Rule", "Violation", "load", "read", "written"]


class Violation(StrEnum):
    """What becomes of an event that breaks its contract."""

    WARN = "warn"  # it is stored, and counted
    REJECT = "reject"  # it is set aside


class Kind(StrEnum):
    """Types of JSON. A whole number is a number too, and 5.0 is a whole number."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


def _pattern(pattern: str) -> str:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        why = [line for line in str(error).splitlines() if line.startswith("error: ")]
        raise ValueError(
            f"is no pattern of Rust's regex: {''.join(why).removeprefix('error: ')}"
        ) from None
    return pattern


def _path(path: str) -> str:
    try:
        keys = keys_of(path)
    except DefinitionError as error:
        raise ValueError(str(error)) from None
    if any(not key or set(key) & set('"\\*') for key in keys):
        raise ValueError('a key in a contract cannot be empty, nor hold ", \\ or *')
    return path


def _event(name: str) -> str:
    try:
        return check_name(name)
    except DefinitionError as error:
        raise ValueError(str(error)) from None


def _plain(value: Any) -> str | bool | int | float:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("can be a text, a number, true or false")
    return value


_Plain = Annotated[Any, AfterValidator(_plain)]
_Number = StrictInt | StrictFloat


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Table):
    """What a property must be. One that is null counts as missing.

    Attributes:
        required: It must be there.
        type: Its type.
        allowed: The only values it may have.
        pattern: What a text must hold, as of Rust's regex; `^…$` for the whole text.
        minimum: The least that a number may be; `maximum`, the most.
    """

    required: bool = False
    type: Kind | None = None
    allowed: Annotated[tuple[_Plain, ...], Field(min_length=1)] | None = None
    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    minimum: _Number | None = None
    maximum: _Number | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self == type(self).model_construct():
            raise ValueError("says nothing; set required, type, allowed, pattern or minimum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is more than maximum {self.maximum}")
        numeric = self.minimum is not None or self.maximum is not None
        if numeric and self.type not in (None, Kind.INTEGER, Kind.NUMBER):
            raise ValueError(f"type is {self.type}, which has no minimum or maximum")
        if self.pattern is not None and self.type not in (None, Kind.TEXT):
            raise ValueError(f"type is {self.type}, which has no pattern")
        return self


class Contract(_Table):
    """What the events of one name must hold to."""

    on_violation: Violation = Violation.WARN
    properties: Annotated[dict[Annotated[str, AfterValidator(_path)], Rule], Field(min_length=1)]


_CONTRACTS = TypeAdapter(dict[Annotated[str, AfterValidator(_event)], Contract])


def load(file: Path) -> dict[str, Contract]:
    """Return the contracts declared in `file` by event name; none if there is no such file.

    Raises:
        SettingError: It is not TOML, or a value is wrong (named with its place).
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.") from None
    for name in tables.keys() - {"contracts"}:
        raise UnknownName.of("table", name, ["contracts"], where=str(file))
    declared = tables.get("contracts", {})
    try:
        return _CONTRACTS.validate_python(declared)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        problems.sort(key=lambda problem: problem["type"] != "extra_forbidden")
        raise _told(file, problems[0]) from None


def written(contracts: Mapping[str, Contract]) -> str:
    """Return contracts as the JSON that the warehouse keeps; '' for none."""
    if not contracts:
        return ""
    plain = {
        name: contract.model_dump(mode="json", exclude_defaults=True)
        for name, contract in sorted(contracts.items())
    }
    return json.dumps(plain, ensure_ascii=False)


def read(text: str) -> dict[str, Contract]:
    """Return what `written` wrote."""
    return _CONTRACTS.validate_json(text) if text else {}


def _told(file: Path, problem: Mapping[str, Any]) -> DefinitionError:
    """Return the error for what pydantic found wrong: place, field, value, cure."""
    steps = [str(step) for step in problem["loc"] if step not in _OF_UNIONS]
    if not steps:
        return SettingError(f"{file}: contracts must be tables, each headed [contracts.EVENT].")
    place = f"{file}, [contracts.{steps[0]}]"
    if steps[-1] == "[key]":
        return SettingError(f"{place}: {_because(problem)}.")
    *outer, last = steps[1:] or [""]
    if problem["type"] == "extra_forbidden":
        known = (Rule if outer else Contract).model_fields
        where = f"{place}, {'.'.join(outer)}" if outer else place
        return UnknownName.of("setting", last, known, where=where)
    field = ".".join([*outer, last])
    what = "is missing" if problem["type"] == "missing" else _because(problem)
    return SettingError(f"{place}: {field} {what}." if field else f"{place}: {what}.")


_OF_UNIONS = {"int", "float"}


def _because(problem: Mapping[str, Any]) -> str:
    reason = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    if problem["type"] in ("model_type", "dict_type"):
        reason = "must be a table of settings"
    value = problem["input"]
    if not isinstance(value, str | int | float):
        return reason
    return reason if repr(value) in reason else f"is {value!r}: {reason}"
