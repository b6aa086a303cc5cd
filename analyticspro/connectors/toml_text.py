"""Writes a table of TOML: a declaration that somebody may put into `sources.toml` as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["toml"]


def toml(heading: str, tables: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """Return a table of TOML; inner tables that are called `properties` get a heading.

    Args:
        heading: Of the table, without brackets.
        tables: What is in it.
        notes: By setting, the comment behind it.
    """
    lines = [f"[{heading}]"]
    inner = []
    for name, value in tables.items():
        if name == "properties":
            inner.append(toml(f"{heading}.properties", value, {}))
            continue
        note = notes.get(name)
        lines.append(f"{_key(name)} = {_value(value)}" + (f"  # {note}" if note else ""))
    return "\n".join([*lines, *inner])


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # JSON's escapes are TOML's too, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
