"""Settings as they are given: in settings.toml, and in the environment."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from analyticspro.config.settings import Settings
from analyticspro.errors import SettingError, UnknownName

__all__ = ["read", "write"]

_WRITING = threading.Lock()  # two who change it at once would undo each other's change


def read(file: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of `environ`, else of `file`, else the defaults."""
    return _settings(_read_toml(file), str(file), environ)


def write(file: Path, changes: Mapping[str, object]) -> None:
    """Write `changes` into `file`, whole or not at all, keeping what else stands there.

    A change to None is none. What the environment says is neither asked nor written.
    """
    with _WRITING:
        _write(file, changes)


def _write(file: Path, changes: Mapping[str, object]) -> None:
    known = _read_toml(file)
    merged = known | {name: value for name, value in changes.items() if value is not None}
    _settings(merged, str(file), {})
    lines = ["# AnalyticsPro settings; what is left out has its default.", ""]
    for item in fields(Settings):
        lines.append(f"# {item.metadata['help']}")
        if item.name in merged:
            lines.append(f"{item.name} = {_toml(merged[item.name])}")
        else:
            lines.append(f"# {item.name} = {_toml(item.default)}")
        lines.append("")
    draft = file.with_suffix(".new")
    draft.write_text("\n".join(lines), encoding="utf-8")
    draft.replace(file)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.") from None


def _settings(given: Mapping[str, Any], file: str, environ: Mapping[str, str]) -> Settings:
    types = {item.name: type(item.default) for item in fields(Settings)}
    for name in given:
        if name not in types:
            raise UnknownName.of("setting", name, types, where=file)
    values: dict[str, Any] = {}
    for name, kind in types.items():
        text = environ.get(f"ANALYTICSPRO_{name.upper()}")
        if text is not None:
            values[name] = _from_text(name, text, kind)
        elif name in given:
            if type(given[name]) is not kind:
                raise SettingError(
                    f"Setting {name} in {file} is {given[name]!r}; it must be "
                    f"{ {str: 'text', int: 'a whole number', bool: 'true or false'}[kind] }."
                )
            values[name] = given[name]
    return Settings(**values)


def _from_text(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.casefold() not in ("true", "false"):
            raise SettingError(f"ANALYTICSPRO_{name.upper()} is {text!r}; write true or false.")
        return text.casefold() == "true"
    try:
        return kind(text)
    except ValueError:
        raise SettingError(
            f"ANALYTICSPRO_{name.upper()} is {text!r}; it must be a whole number."
        ) from None


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    # TOML escapes text as JSON does, and DEL besides.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
