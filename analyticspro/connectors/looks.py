"""What the values of a column look like: text, numbers, times and how these are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from analyticspro.connectors.values import Notation, instant, number
from analyticspro.errors import DataError

__all__ = ["Look", "look", "notation"]

_DATES = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = (
    *(date + clock for clock in _CLOCKS for date in _DATES),
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
)
_NOTATIONS = (None, Notation(",", None), Notation(",", "."), Notation(".", ","))
_TIMELY = re.compile(r"(^|_)(at|time|timestamp|date|created|updated|ts|when|epoch|on)(_|$)")
_BOOLEANS = frozenset({"true", "false", "yes", "no"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# From 2001 to 2096, in seconds.
_EARLIEST, _LATEST = 1_000_000_000, 4_000_000_000


@dataclass(frozen=True)
class Look:
    """What the values of a column look like.

    Attributes:
        kind: text, integer, number, boolean, time; or empty, where there is none.
        filled: How many there are.
        is_unique: Whether every record has one, and no two the same.
        forms: Of a time the ways in which all could be written, the likeliest first; none
            for ISO 8601.
    """

    kind: str
    filled: int
    is_unique: bool
    forms: tuple[str, ...] = ()


def look(name: str, values: Sequence[str | None], written: Notation | None) -> Look:
    """Return what the values of the column `name` (in small letters) look like."""
    there = [value for value in values if value is not None]
    is_unique = len(set(there)) == len(values) > 0
    kind, forms = _kind(name, there, written)
    return Look(kind, len(there), is_unique, forms)


def notation(columns: Sequence[Sequence[str | None]]) -> Notation | None:
    """Return how most columns of numbers are written; None for plain digits and a point."""
    counted = [
        sum(
            _are_numbers([value for value in values if value is not None], way)
            for values in columns
        )
        for way in _NOTATIONS
    ]
    return _NOTATIONS[counted.index(max(counted))]


def _kind(name: str, there: list[str], written: Notation | None) -> tuple[str, tuple[str, ...]]:
    if not there:
        return "empty", ()
    if all(value.casefold() in _BOOLEANS for value in there):
        return "boolean", ()
    if all(_INTEGER.fullmatch(value.strip()) for value in there):
        if any(value.strip().lstrip("+-").startswith("0") and len(value) > 1 for value in there):
            return "text", ()  # 00123 is a number's name, not a number
        epochs = _epochs([int(value) for value in there]) if _TIMELY.search(name) else ()
        return ("time", epochs) if epochs else ("integer", ())
    if _are_numbers(there, written):
        return "number", ()
    if all("-" in value and _is_time(value, None) for value in there):
        return "time", ()
    forms = tuple(form for form in _FORMATS if all(_is_time(value, form) for value in there))
    return ("time", forms) if forms else ("text", ())


def _epochs(values: list[int]) -> tuple[str, ...]:
    if all(_EARLIEST <= value <= _LATEST for value in values):
        return ("epoch_s",)
    if all(_EARLIEST <= value // 1000 <= _LATEST for value in values):
        return ("epoch_ms",)
    return ()


def _are_numbers(there: Sequence[str], written: Notation | None) -> bool:
    try:
        for value in there:
            number(value if written is None else written.plain(value))
    except ValueError:
        return False
    return bool(there)


def _is_time(value: str, form: str | None) -> bool:
    try:
        found: datetime = instant(value, () if form is None else (form,), ZoneInfo("UTC"))
    except DataError:
        return False
    return found >= datetime(1900, 1, 1, tzinfo=UTC)
