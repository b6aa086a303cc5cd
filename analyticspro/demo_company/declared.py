"""How the company's systems are declared as sources: the demo's own `sources.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["NAMES", "declarations", "write"]

_TEMPLATE = Path(__file__).with_name("sources.toml").read_text(encoding="utf-8")


def _text(port: int) -> str:
    return _TEMPLATE.replace("PORT", str(port))


@cache
def declarations(port: int) -> dict[str, Any]:
    """Return the sources as `sources.toml` declares them, by name; not to be changed.

    Args:
        port: Where the partner platform answers, on this machine.
    """
    found: dict[str, Any] = tomllib.loads(_text(port))["sources"]
    return found


NAMES = tuple(declarations(1))


def write(file: Path, port: int) -> None:
    """Write the demo's `sources.toml`, in its own folder: its API answers only at times."""
    draft = file.with_suffix(".new")
    draft.write_text(_text(port), encoding="utf-8")
    draft.replace(file)
