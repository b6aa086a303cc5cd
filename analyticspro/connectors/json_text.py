"""Writes nested values as JSON text, numbers exactly as they came."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal

__all__ = ["Number", "json_text", "plain_text"]


class Number(str):
    """A number as it was written, which no float could keep."""

    __slots__ = ()


def plain_text(value: object) -> str | None:
    """Return one value as the text that a mapping takes; None for none.

    >>> plain_text(True), plain_text(Number("1.50")), plain_text([Number("1.50"), "a"])
    ('true', '1.50', '[1.50,"a"]')
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, bool | dict | list | tuple):
        return json_text(value)
    return str(value)


def json_text(value: object) -> str:
    """Return `value` as compact JSON; what JSON has no type for is a string."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        inner = ",".join(f"{_quoted(str(name))}:{json_text(item)}" for name, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(json_text(item) for item in value)}]"
    if isinstance(value, Number | int):
        return str(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return str(value)
    if isinstance(value, datetime | date | time):
        return _quoted(value.isoformat())
    return _quoted(plain_text(value) or "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
