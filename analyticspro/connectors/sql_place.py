"""How far a table was read: what a cursor of the SQL connector says.

A transaction stamps a row (or takes its growing key) before it commits, and only then can the
row be seen. So rows appear behind others that were read already, and the last row read says
nothing about what is still to come behind it. A place therefore has two marks:

- `settled`: nothing appears at or before it any more; each sync starts here.
- `reached`: how far a sync came that was ended early; the next one goes on here, and leaves
  `settled` where it was, since it has not read what lies between the two again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from analyticspro.connectors.values import instant
from analyticspro.errors import DataError

__all__ = ["ByCount", "ByTime", "Mark", "Place", "Settling"]

# The values, as the driver gave them, of the columns that rows are read in the order of.
Mark: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Place:
    """How far one stream was read.

    Attributes:
        of: What it is a place in: another table, order or type of a column makes it void.
    """

    of: str
    settled: Mark | None = None
    reached: Mark | None = None

    @property
    def start(self) -> Mark | None:
        """What to read on after; None for the start."""
        return self.settled if self.reached is None else self.reached

    def text(self) -> str:
        """Return the cursor."""
        marks = {"settled": self.settled, "reached": self.reached}
        given = {name: [_written(v) for v in mark] for name, mark in marks.items() if mark}
        return json.dumps({"of": self.of, **given}, ensure_ascii=False)

    @classmethod
    def of_cursor(cls, cursor: str | None, of: str) -> Place:
        """Return the place that `cursor` says; the start if it is none in `of`."""
        said = {} if cursor is None else json.loads(cursor)
        if said.get("of") != of:
            return cls(of)
        marks = {
            name: tuple(_value(written) for written in said[name])
            for name in ("settled", "reached")
            if name in said
        }
        return cls(of, **marks)


def _written(value: object) -> object:
    # What JSON has no exact form for is written as {kind: text}.
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str) and not value.isascii():
        return {"text": value.encode("utf-8", "surrogateescape").hex()}
    return value


_KINDS: dict[str, Callable[[str], object]] = {
    "decimal": Decimal,
    "float": float.fromhex,
    "bytes": bytes.fromhex,
    "text": lambda written: bytes.fromhex(written).decode("utf-8", "surrogateescape"),
}


def _value(written: object) -> object:
    if isinstance(written, dict):
        [(kind, text)] = written.items()
        return _KINDS[kind](text)
    return written


class Settling(Protocol):
    """Tells up to where rows are settled, from the rows of one sync, page after page."""

    def settled(self, marks: Sequence[Mark], times: Sequence[str | None]) -> Mark | None:
        """Return the last row up to which all is settled; None if this page tells of none.

        Args:
            marks: Those of the page's rows.
            times: The first column of the order as text, row by row.

        Raises:
            DataError: These cannot be what the rows are in the order of.
        """

    def check(self) -> None:
        """Raise DataError if none of the rows told anything, as in another format."""


class ByTime(Settling):
    """Rows are settled `lookback` after their stamp; and that long behind the newest, too.

    The first is for transactions that last, the second for tables that are themselves filled
    from elsewhere, with stamps of the past. A whole table that was stamped at once would be
    read again and again for it; so it reaches back `overlap` rows at most.

    A time without an offset that comes twice, as the clock is put back, may be the later one.
    """

    def __init__(
        self,
        lookback: timedelta,
        overlap: int,
        ways: Sequence[str],
        zone: ZoneInfo,
        read_at: datetime,
    ) -> None:
        """Make it.

        Args:
            lookback: How long a transaction may take.
            overlap: In rows.
            ways: How times are written; as of `values.instant`.
            zone: Of times without an offset.
            read_at: When this sync began, by the clocks of whoever stamps rows.
        """
        self._lookback = lookback
        self._before = read_at - lookback
        self._ways = ways
        self._zone = zone
        self._overlap = overlap
        self._old: deque[tuple[Mark, datetime]] = deque(maxlen=overlap + 1)
        self._younger = 0  # rows that came behind these
        self._no_time: str | None = None
        self._is_told = False

    def settled(self, marks: Sequence[Mark], times: Sequence[str | None]) -> Mark | None:
        """Return the last row that is old enough.

        Raises:
            DataError: These times are not in their order.
        """
        if not marks:
            return None
        newest = next(filter(None, map(self._latest, reversed(times))), None)
        if newest is None:
            self._younger += len(marks)
            self._no_time = times[-1]
            return None
        self._is_told = True
        first = self._latest(times[0])
        if first is not None and first > newest:
            raise DataError(f"{times[0]!r} comes before {times[-1]!r}, but is later")
        end = len(marks)
        while end and not self._is_old(times[end - 1]):
            end -= 1
        self._younger = len(marks) - end + (0 if end else self._younger)
        start = max(0, end - self._overlap - 1)
        for mark, text in zip(marks[start:end], times[start:end], strict=True):
            self._old.append((mark, self._latest(text) or newest))
        for rows_behind, (mark, at) in enumerate(reversed(self._old), self._younger):
            if at <= newest - self._lookback or rows_behind >= self._overlap:
                return mark
        return None

    def check(self) -> None:
        """Raise DataError if no row had a time."""
        if self._no_time is not None and not self._is_told:
            instant(self._no_time, self._ways, self._zone)

    def _is_old(self, text: str | None) -> bool:
        # What is no time, such as infinity, may come behind all that is still to be written.
        at = self._latest(text)
        return at is not None and at <= self._before

    def _latest(self, text: str | None) -> datetime | None:
        """Return the time, or the later one of two; None if it is none, such as infinity."""
        try:
            found = instant(text, self._ways, self._zone)
        except DataError:
            return None
        return max(found, found.astimezone(self._zone).replace(fold=1).astimezone(UTC))


class ByCount(Settling):
    """Rows are settled that have `overlap` rows behind them."""

    def __init__(self, overlap: int) -> None:
        """Make it."""
        self._last: deque[Mark] = deque(maxlen=overlap + 1)

    def settled(self, marks: Sequence[Mark], times: Sequence[str | None]) -> Mark | None:
        """Return the row with `overlap` rows behind it."""
        self._last.extend(marks)
        return self._last[0] if len(self._last) == self._last.maxlen else None

    def check(self) -> None:
        """Do nothing: each row counts."""
