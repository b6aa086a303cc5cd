"""Reads single values that are written as text: instants, money, numbers, yes and no."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from analyticspro.errors import DataError, DefinitionError
from analyticspro.money import Minor, multiply, to_minor

__all__ = ["EPOCHS", "Misread", "Notation", "boolean", "instant", "integer", "money", "number"]

# int and float also take 1_000, the digits of every script, and words such as infinity.
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
# What \s matches, int and float do not all pass over: they are given the text without.
# Formats that count from 1970, with how many microseconds each counts.
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Misread(Exception):
    """One of several values read together is wrong; `position` says which, from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


@dataclass(frozen=True)
class Notation:
    """How numbers are written: the decimal sign, and the one between groups of three digits."""

    decimal: str
    thousands: str | None

    def plain(self, text: str) -> str:
        """Return the number without its groups and with a decimal point.

        >>> Notation(",", ".").plain("-1.234,50")
        '-1234.50'

        Raises:
            ValueError: It is not written so; nothing is guessed.
        """
        if _written(self.decimal, self.thousands).fullmatch(text) is None:
            raise ValueError(text)
        digits = text.strip()
        if self.thousands is not None:
            digits = re.sub(_group_sign(self.thousands), "", digits)
        return digits.replace(self.decimal, ".")

    def __str__(self) -> str:
        groups = f" and thousands {self.thousands!r}" if self.thousands else ""
        return f"a number with decimal {self.decimal!r}{groups}"


@lru_cache
def _written(decimal: str, thousands: str | None) -> re.Pattern[str]:
    groups = "" if thousands is None else rf"[0-9]{{1,3}}(?:{_group_sign(thousands)}[0-9]{{3}})+|"
    point = re.escape(decimal)
    return re.compile(
        rf"\s*[+-]?(?:(?:{groups}[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?\s*"
    )


def _group_sign(thousands: str) -> str:
    # A space may be one that does not break (French and Swedish programs write those).
    return "[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)


def instant(text: str | None, forms: Sequence[str], zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) written as `text`; without an offset it is a time in `zone`.

    A local time that comes twice is the earlier one.

    Args:
        text: What the source says.
        forms: strptime's, or of `EPOCHS`; the first that fits holds. Empty for ISO 8601.
        zone: The source's.

    Raises:
        DataError: It is missing, not written so, or was skipped by the clock of `zone`.
    """
    if text is None:
        raise DataError("is missing")
    at = _first_that_fits(text, forms)
    try:
        found = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)
        if at.tzinfo is None and found.astimezone(zone).replace(tzinfo=None) != at:
            raise DataError(f"{text!r} does not exist in {zone.key}: the clock was put forward")
    except OverflowError:
        raise DataError(f"{text!r} is out of range") from None
    return found


def _first_that_fits(text: str, forms: Sequence[str]) -> datetime:
    for form in forms:
        try:
            return _since_1970(text, form) if form in EPOCHS else datetime.strptime(text, form)
        except ValueError:
            continue
    try:
        if not forms:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    wanted = f"a time written as {' or '.join(forms)}" if forms else "an ISO 8601 time"
    raise DataError(f"{text!r} is not {wanted}")


def _since_1970(text: str, form: str) -> datetime:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    try:
        count = Decimal(text)
        if count and count.adjusted() > 15:  # beyond the calendar, and maybe beyond memory
            raise OverflowError
        return _EPOCH + timedelta(microseconds=int(count * EPOCHS[form]))
    except ArithmeticError:
        raise ValueError(text) from None


def money(
    factors: Sequence[str | None], currency: str | None, notation: Notation | None = None
) -> Minor:
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
    if notation is not None:
        texts = _plain(texts, notation)
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


def _plain(texts: tuple[str, ...], notation: Notation) -> tuple[str, ...]:
    plain = []
    for position, text in enumerate(texts):
        try:
            plain.append(notation.plain(text))
        except ValueError:
            raise Misread(f"{text!r} is not {notation}", position) from None
    return tuple(plain)


def integer(text: str) -> int:
    """Return the whole number of 64 bits written as `text`; raises ValueError."""
    value = int(text.strip()) if _INTEGER.fullmatch(text) else _LARGEST + 1
    if not _SMALLEST <= value <= _LARGEST:
        raise ValueError(text)
    return value


def number(text: str) -> float:
    """Return the finite number written as `text`; raises ValueError."""
    value = float(text.strip()) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def boolean(text: str) -> bool:
    """Return what true, yes, 1, false, no or 0 means, in any case; raises ValueError."""
    try:
        return _WORDS[text.strip().casefold()]
    except KeyError:
        raise ValueError(text) from None
