"""Money: integer minor units and an ISO 4217 currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, Inexact, InvalidOperation, localcontext
from functools import reduce

from analyticspro.errors import DataError, DefinitionError

__all__ = ["Minor", "exponent", "multiply", "to_minor"]

# ISO 4217 (list one, amendment 177): currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Minor:
    """An amount in minor units.

    Attributes:
        amount: Integer minor units (pence, cents).
        unrounded: The amount as it was given, in major units, if it was finer than the
            minor unit and so had to be rounded; else None.
    """

    amount: int
    unrounded: str | None = None


def exponent(currency: str) -> int:
    """Return how many decimal digits the minor unit of `currency` stands for.

    >>> exponent("GBP"), exponent("JPY"), exponent("KWD")
    (2, 0, 3)

    Raises:
        DefinitionError: Not three capital letters.
    """
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise DefinitionError(
            f"{currency!r} is not a currency. Write its ISO 4217 code, such as GBP."
        )
    return _EXPONENTS.get(currency, 2)


def _decimal(text: str) -> Decimal:
    digits = text.strip()
    try:
        # Decimal also takes 1_000 and the digits of every script: slips, in a data file.
        if "_" in digits or not digits.isascii():
            raise InvalidOperation
        value = Decimal(digits)
    except InvalidOperation:
        raise DataError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise DataError(f"{text!r} is not a finite number")
    return value


def multiply(texts: tuple[str, ...]) -> Decimal:
    """Return the exact product of numbers written as decimal text.

    >>> multiply(("6", "2.55"))
    Decimal('15.30')

    Raises:
        DataError: One of them is not a finite number (the message quotes it), or the product
            has more than 60 digits.
    """
    numbers = [_decimal(text) for text in texts]
    with localcontext(prec=60) as context:
        context.traps[Inexact] = True
        try:
            return reduce(Decimal.__mul__, numbers, Decimal(1))
        except ArithmeticError:
            shown = " × ".join(texts)
            raise DataError(f"{shown} has too many digits for an amount of money") from None


def to_minor(amount: Decimal, currency: str) -> Minor:
    """Return `amount`, in major units, as minor units of `currency`.

    An amount finer than the minor unit is rounded half to even and keeps its given value.

    >>> to_minor(Decimal("0.125"), "GBP")
    Minor(amount=12, unrounded='0.125')

    Raises:
        DataError: The amount does not fit into 64 bits of minor units.
    """
    if amount and amount.adjusted() > 18:
        raise DataError(f"{amount} is too large for an amount of money")
    with localcontext(prec=60):
        scaled = amount.scaleb(exponent(currency))
        whole = scaled.to_integral_value(rounding=ROUND_HALF_EVEN)
        if abs(whole) > _LARGEST:
            raise DataError(f"{amount} is too large for an amount of money")
        return Minor(int(whole), None if whole == scaled else str(amount))
