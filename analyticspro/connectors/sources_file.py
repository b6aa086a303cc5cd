"""Reads `sources.toml`; a mistake in it is named with its place and the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from analyticspro.connectors.declaration import Amount, EventRule, Property, Source, Time
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
