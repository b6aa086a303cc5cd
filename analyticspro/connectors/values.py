"""Reads single values that are written as text: instants, money, numbers, yes and no."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from analyticspro.errors import DataError, DefinitionError
from analyticspro.money import Minor, multiply, to_minor

__all__ = ["Misread", "boolean", "instant", "integer", "money", "number"]

# int and float also take 1_000, the digits of every script, and words such as infinity.
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Misread(Exception):
    """One of several values read together is wrong; `position` says which, from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


def instant(text: str | None, form: str | None, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) written as `text`; without an offset it is a time in `zone`.

    A local time that comes twice is the earlier one.

    Args:
        text: What the source says.
        form: strptime's; None for ISO 8601.
        zone: The source's.

    Raises:
        DataError: It is missing, not written so, or was skipped by the clock of `zone`.
    """
    if text is None:
        raise DataError("is missing")
    try:
        at = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
    except ValueError:
        wanted = f"a time written as {form}" if form else "an ISO 8601 time"
        raise DataError(f"{text!r} is not {wanted}") from None
    try:
        found = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)
        if at.tzinfo is None and found.astimezone(zone).replace(tzinfo=None) != at:
            raise DataError(f"{text!r} does not exist in {zone.key}: the clock was put forward")
    except OverflowError:
        raise DataError(f"{text!r} is out of range") from None
    return found


def money(factors: Sequence[str | None], currency: str | None) -> Minor:
    """Return the product of `factors` as minor units of `currency`.

    Raises:
        Misread: One of the values, of which the currency is the last, is missing or wrong.
        DataError: Only together are they wrong: the product is too large.
    """
    texts = tuple(text for text in factors if text is not None)
    if len(texts) < len(factors):
        raise Misread("is missing", list(factors).index(None))
    if currency is None:
        raise Misread("is missing", len(texts))
    try:
        return to_minor(multiply(texts), currency)
    except DefinitionError as error:
        raise Misread(str(error).rstrip("."), len(texts)) from None
    except DataError:
        for position, text in enumerate(texts):
            try:
                multiply((text,))
            except DataError as error:
                raise Misread(str(error), position) from None
        raise


def integer(text: str) -> int:
    """Return the whole number of 64 bits written as `text`; raises ValueError."""
    value = int(text) if _INTEGER.fullmatch(text) else _LARGEST + 1
    if not _SMALLEST <= value <= _LARGEST:
        raise ValueError(text)
    return value


def number(text: str) -> float:
    """Return the finite number written as `text`; raises ValueError."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def boolean(text: str) -> bool:
    """Return what true, yes, 1, false, no or 0 means, in any case; raises ValueError."""
    try:
        return _WORDS[text.strip().casefold()]
    except KeyError:
        raise ValueError(text) from None
