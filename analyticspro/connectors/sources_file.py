"""Reads `sources.toml`; a mistake in it is named with its place and the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from analyticspro.connectors.declaration import Source
from analyticspro.connectors.kinds import KINDS
from analyticspro.errors import SettingError, UnknownName

__all__ = ["load", "parse"]


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
        sources.append(source.within(file.parent))
    return sources


def parse(table: Mapping[str, Any], place: str) -> Source:
    """Return the source that `table` declares; errors name `place`, the field and the cure."""
    connector = table.get("connector", "files")
    kind = KINDS.get(connector) if isinstance(connector, str) else None
    if kind is None:
        raise SettingError(f"{place}: connector is {connector!r}; there is {', '.join(KINDS)}.")
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        *outer, last = [str(part) for part in first["loc"]] or [""]
        if first["type"] == "extra_forbidden":
            where = ", ".join([place, ".".join(outer)] if outer else [place])
            known = _model_at(kind, outer).model_fields
            raise UnknownName.of("setting", last, known, where=where) from None
        what = "is missing" if first["type"] == "missing" else _because(first)
        field = ".".join([*outer, last])
        raise SettingError(f"{place}: {field} {what}." if field else f"{place}: {what}.") from None


def _model_at(model: type[BaseModel], steps: Sequence[str]) -> type[BaseModel]:
    """Return the model of the table that `steps` lead to, from the table of `model`."""
    for step in steps:
        field = model.model_fields.get(step)
        if field is not None:  # else the name of one of several tables: theirs was found before
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


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
