"""What a connector hands over: events, and the rows it had to set aside."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["REJECTS", "Batch", "Part"]

REJECTS = pl.Schema(
    {
        "line": pl.Int64,  # first line of the record in its file, from 1
        "field": pl.String,  # the column or field that is wrong; null for the whole record
        "value": pl.String,
        "reason": pl.String,
        "raw": pl.String,
    }
)


@dataclass(frozen=True)
class Part:
    """A piece of a source that is replaced as a whole, such as a file.

    Attributes:
        name: Its place within the source, stable across machines: the relative path.
        location: Where it is now.
        size: Bytes; with `changed_ns` tells whether the content can have changed.
        changed_ns: Time of the last change, nanoseconds.
        touched_ns: When anything about it last changed, its time of change too.
        etag: What the store it is in knows its content by; None for a file of this machine.
    """

    name: str
    location: str
    size: int
    changed_ns: int
    touched_ns: int = 0
    etag: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some consecutive records of a part.

    Attributes:
        events: Rows of `events.SCHEMA`.
        rejects: Rows of `REJECTS`.
        rounded: How many amounts were finer than the minor unit of their currency.
        records: How many records were read, good and bad.
        position: Bytes of the part read so far, for progress.
        lines: For each event the first line of its record in its file; None where there are
            no lines.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame
    rounded: int
    records: int
    position: int
    lines: pl.Series | None = None
