"""Numbers and dates in words, as the page writes them.

How a figure is written follows from its metric's unit and currency, which the answer's
provenance carries; a notebook has no say in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from analyticspro.grain import Grain, add, floor
from analyticspro.money import exponent

__all__ = ["Number", "Unit", "bucket_words", "exact", "moment_words", "period_words", "span_words"]

Number = int | float | Decimal
_SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€", "JPY": "¥", "INR": "₹", "CAD": "CA$", "AUD": "A$"}
_MINUS = "\N{MINUS SIGN}"
_SCALES = ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k"))
_LENGTHS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
# The same for Vega, so that the ticks of an axis say what the figures beside it say.
_LASTING = (
    "".join(
        f"abs(datum.value) >= {length} ? format(datum.value / {length}, '.2~f') + ' {letter}' : "
        for length, letter in _LENGTHS
    )
    + "datum.value ? format(datum.value * 1000, '.2~f') + ' ms' : '0 s'"
)


@dataclass(frozen=True)
class Unit:
    """How the values of one metric are written.

    Attributes:
        kind: `money`, `count`, `fraction` or `seconds`.
        currency: ISO 4217 code; None unless the kind is money.
    """

    kind: str
    currency: str | None = None

    @classmethod
    def of(cls, metric: Mapping[str, Any]) -> Unit:
        """Return the unit of a metric as provenance describes it."""
        return cls(metric["unit"], metric.get("currency"))

    def full(self, value: Number | None, *, digits: int | None = None) -> str:
        """Return the value for a card or a table; an em dash for none.

        Money drops its minor units from 1,000 on, where they only add noise; `digits`
        says otherwise, for a column that should agree with itself.

        >>> Unit("money", "GBP").full(Decimal("1461756.25"))
        '£1,461,756'
        >>> Unit("fraction").full(0.1483), Unit("count").full(None)
        ('14.8%', '—')
        >>> [Unit("seconds").full(value) for value in (0.0425, 2.44, 100, 27_000, 400_000)]
        ['42.5 ms', '2.4 s', '1.7 min', '7.5 h', '4.6 d']
        """
        if value is None:
            return "—"
        if self.kind == "fraction":
            return f"{_signed(float(value) * 100, 1)}%"
        if self.kind == "seconds":
            return _lasting(float(value))
        if self.kind == "money":
            kept = self.digits([value]) if digits is None else digits
            return self._with_symbol(_signed(value, kept))
        return _signed(value, 0 if float(value).is_integer() else 1)

    def digits(self, values: Iterable[Number | None]) -> int:
        """Return how many decimal digits of money suit all of `values` together."""
        largest = max((abs(float(value)) for value in values if value is not None), default=0.0)
        return exponent(self.currency or "USD") if 0 < largest < 1000 else 0

    def card(self, value: Number | None) -> str:
        """Return the value for a card, shortened from ten million on so that it fits."""
        if (
            value is not None
            and self.kind in ("money", "count")
            and abs(float(value)) >= 10_000_000
        ):
            return self.short(value, digits=2)
        return self.full(value)

    def short(self, value: Number, *, digits: int = 1) -> str:
        """Return the value for the label of a bar: three or four digits.

        >>> Unit("money", "GBP").short(1461756), Unit("count").short(950)
        ('£1.5m', '950')
        """
        if self.kind in ("fraction", "seconds"):
            return self.full(value)
        if self.kind == "count" and abs(float(value)) < 10_000:
            return self.full(value)
        for least, letter in _SCALES:
            if abs(float(value)) >= least:
                scaled = float(value) / least
                kept = 0 if abs(scaled) >= 100 else digits
                return self._with_symbol(f"{_signed(scaled, kept)}{letter}")
        return self.full(value, digits=0 if abs(float(value)) >= 100 else None)

    def step(self, value: Number) -> str:
        """Return an absolute change, signed; of a fraction, in percentage points.

        >>> Unit("fraction").step(-0.012), Unit("count").step(4)
        ('−1.2 pp', '+4')
        """
        sign = "+" if value > 0 else ""
        if self.kind == "fraction":
            return f"{sign}{_signed(float(value) * 100, 1)} pp"
        return f"{sign}{self.full(value)}"

    @property
    def axis(self) -> str:
        """A Vega expression that writes the number of an axis tick."""
        if self.kind == "fraction":
            return "format(datum.value, '~%')"
        if self.kind == "seconds":
            return _LASTING
        symbol = _SYMBOLS.get(self.currency or "", "") if self.kind == "money" else ""
        number = "replace(format(abs(datum.value), '~s'), 'G', 'bn')"
        number = f"replace({number}, 'M', 'm')"
        return f"(datum.value < 0 ? '{_MINUS}' : '') + '{symbol}' + {number}"

    def _with_symbol(self, number: str) -> str:
        if self.kind != "money":
            return number
        symbol = _SYMBOLS.get(self.currency or "", f"{self.currency} ")
        if number.startswith(_MINUS):
            return f"{_MINUS}{symbol}{number[1:]}"
        return f"{symbol}{number}"


def _signed(value: Number, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return f"{_MINUS}{text}" if value < 0 and text.strip("0.,") else text


def _lasting(seconds: float) -> str:
    """Return a duration in the largest of its units of which there is one at least."""
    for length, letter in _LENGTHS:
        if abs(seconds) >= length:
            scaled = round(seconds / length, 1)
            return f"{_signed(scaled, 0 if scaled.is_integer() else 1)} {letter}"
    thousandths = round(seconds * 1000, 1)
    return f"{_signed(thousandths, 0 if thousandths.is_integer() else 1)} ms" if seconds else "0 s"


def relative(rate: float) -> str:
    """Return a relative change without its sign, which an arrow or a word carries.

    >>> relative(-0.1234), relative(23.5)
    ('12.3%', '24.5×')
    """
    if rate >= 9.995:
        return f"{rate + 1:,.1f}×"
    return f"{abs(rate) * 100:.1f}%"


def exact(value: Number | None) -> str:
    """Return the value as it was answered, unrounded, for whoever reads the page by program."""
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def moment_words(at: datetime) -> str:
    """Return a wall-clock time in words.

    >>> moment_words(datetime(2011, 12, 9, 12, 50))
    '9 Dec 2011, 12:50'
    """
    return f"{day_words(at)}, {at:%H:%M}"


def day_words(at: datetime) -> str:
    """Return a day in words.

    >>> day_words(datetime(2011, 12, 9))
    '9 Dec 2011'
    """
    return f"{at.day} {at:%b %Y}"


def bucket_words(start: datetime, grain: Grain) -> str:
    """Return the name of the bucket that starts at `start`.

    >>> bucket_words(datetime(2011, 10, 1), Grain.QUARTER)
    'Q4 2011'
    """
    if grain is Grain.HOUR:
        return f"{start.day} {start:%b %Y, %H:%M}"
    if grain is Grain.DAY:
        return f"{start:%a} {day_words(start)}"
    if grain is Grain.WEEK:
        return f"Week of {day_words(start)}"
    if grain is Grain.MONTH:
        return f"{start:%B %Y}"
    if grain is Grain.QUARTER:
        return f"Q{(start.month + 2) // 3} {start.year}"
    return f"{start.year}"


def span_words(start: datetime, end: datetime, *, year: int | None = None) -> str:
    """Return `[start, end)` in words; the year is left out if it is `year`.

    A whole calendar month, quarter or year is called by its name.

    >>> span_words(datetime(2011, 11, 1), datetime(2011, 11, 9, 12, 50), year=2011)
    '1–9 Nov'
    >>> span_words(datetime(2011, 10, 1), datetime(2011, 11, 1))
    'October 2011'
    """
    for grain in (Grain.YEAR, Grain.QUARTER, Grain.MONTH):
        if floor(start, grain) == start and add(start, grain, 1) == end:
            return bucket_words(start, grain)
    last = end - timedelta(microseconds=1)
    tail = "" if last.year == year else f" {last.year}"
    if start.date() == last.date():
        whole = floor(end, Grain.DAY) == end and floor(start, Grain.DAY) == start
        times = "" if whole else f", {start:%H:%M}–{end:%H:%M}"
        return f"{last.day} {last:%b}{tail}{times}"
    if start.year != last.year:
        return f"{day_words(start)} – {day_words(last)}"
    if start.month != last.month:
        return f"{start.day} {start:%b} – {last.day} {last:%b}{tail}"
    return f"{start.day}–{last.day} {last:%b}{tail}"


def period_words(name: str, start: datetime, end: datetime) -> str:
    """Return a period as a heading writes it: `November 2011`, `Last 30 days`, `All time`."""
    if name == "all":
        return "All time"
    if name.startswith(("last-", "this-")) or name in ("today", "yesterday"):
        return name.replace("-", " ").capitalize()
    return span_words(start, end)
