"""Reads CSV record by record, so that one broken record never costs its neighbours."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Broken", "Record", "read"]

# A quote that never closes swallows what follows until this many characters; the lines
# are then given back and read again, without the first.
_LONGEST_FIELD = 131_072


@dataclass(frozen=True)
class Record:
    """A record with the right number of fields; `line` is its first line, from 1."""

    line: int
    fields: list[str]


@dataclass(frozen=True)
class Broken:
    """A line that is no record: `reason` says why, `text` is the line."""

    line: int
    reason: str
    text: str


class _Lines:
    """The lines of a file, of which those just taken can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._returned: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        return line

    def keep_first_only(self) -> None:
        self._returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def read(lines: Iterator[str], *, delimiter: str) -> Iterator[Record | Broken]:
    """Yield the records of a CSV (RFC 4180), the header first; blank lines are passed over.

    The first record sets the number of fields. A record with another number, or with
    broken quoting, is reported by its first line alone; reading goes on at its second.

    Args:
        lines: Lines with their ends kept, so that a quoted field may hold a line break.
        delimiter: One character.
    """
    feed = _Lines(lines)
    csv.field_size_limit(_LONGEST_FIELD)
    records = csv.reader(feed, delimiter=delimiter, strict=True)
    width: int | None = None
    line = 1
    while True:
        feed.taken.clear()
        reason = None
        fields: list[str] = []
        try:
            fields = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"broken CSV: {error}"
        if reason is None and fields:
            width = width or len(fields)
            if len(fields) != width:
                reason = f"has {len(fields)} fields where the header has {width}"
        if reason is not None:
            feed.keep_first_only()
            yield Broken(line, reason, feed.taken[0].rstrip("\r\n"))
        elif fields:
            yield Record(line, fields)
        line += len(feed.taken)
