"""Which of a message's properties is money. Source: Segment's spec, V2 ecommerce events."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from analyticspro.collecting.body import text
from analyticspro.collecting.wrong import Wrong, shown
from analyticspro.errors import DataError, DefinitionError
from analyticspro.money import Minor, exponent, multiply, to_minor

__all__ = ["amount"]

# Segment: "if this isn't set, we assume the revenue to be in US dollars".
_ASSUMED = "USD"
_FEW = 15  # digits


def amount(properties: dict[str, Any]) -> tuple[Minor, str] | None:
    """Return the money in `properties` with its currency, None if there is none.

    That is `revenue`. Where there is none it is `total`, else `value`, but these only where
    `currency` stands beside them, and only if they are numbers: they are also the names of
    points, lengths and answers.

    Raises:
        Wrong: `revenue` is no number, or stands beside what is no currency.
    """
    revenue = properties.get("revenue")
    if revenue is not None and revenue != "":
        try:
            return _money(revenue, properties.get("currency") or _ASSUMED)
        except DataError as error:
            raise Wrong("properties.revenue", shown(revenue), str(error)) from None
        except DefinitionError:
            currency = shown(properties["currency"])
            reason = "is not an ISO 4217 code such as GBP"
            raise Wrong("properties.currency", currency, reason) from None
    if properties.get("currency"):
        for name in ("total", "value"):
            if properties.get(name) is not None:
                try:
                    return _money(properties[name], properties["currency"])
                except (DataError, DefinitionError):
                    return None
    return None


def _money(given: Any, currency: Any) -> tuple[Minor, str]:
    if not isinstance(currency, str):
        raise DefinitionError("a currency is text")
    code, places = _currency(currency)
    if isinstance(given, bool) or not isinstance(given, str | int | float | msgspec.Raw):
        raise DataError("is not a number")
    written = given if isinstance(given, str) else text(given)
    whole, _, part = written.partition(".")
    digits = whole + part.ljust(places, "0")
    if len(part) <= places and len(digits) <= _FEW and digits.isdecimal() and digits.isascii():
        return Minor(int(digits)), code  # nearly all: what follows is ten times the work
    return to_minor(multiply((written,)), code), code


@lru_cache(maxsize=512)
def _currency(given: str) -> tuple[str, int]:
    code = given.strip().upper()
    return code, exponent(code)
