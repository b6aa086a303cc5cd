"""What every format makes of a file: rows of text, and the records that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from analyticspro.connectors.files_source import FilesSource
from analyticspro.errors import SourceError, UnknownName

__all__ = [
    "LINE",
    "RAW",
    "RECORDS_PER_BATCH",
    "ROW",
    "Records",
    "check_columns",
    "foreign",
    "frame",
    "set_aside",
]

# Names that no column can have: neither a header nor a declaration may hold a NUL.
LINE, ROW, RAW = "\0line", "\0row", "\0raw"
RECORDS_PER_BATCH = 50_000


@dataclass(frozen=True)
class Records:
    """Some consecutive records of a file.

    Attributes:
        rows: `LINE` and `ROW` (Int64: position in the file, position among its records) and
            every column as text, null where it was empty. A format whose records are more
            than their columns adds `RAW`, the record as it came.
        broken: What could not be read as a record, each as a row of `REJECTS`.
        count: How many records there were, good and broken.
        position: Bytes of the file read so far; None where the file's own position tells.
    """

    rows: pl.DataFrame
    broken: list[dict[str, object]]
    count: int
    position: int | None = None


def check_columns(source: FilesSource, location: str, columns: Sequence[str]) -> None:
    """Raise SourceError unless `columns` are all that `source` needs, each named once."""
    missing = sorted(source.columns() - set(columns))
    if missing:
        problem = UnknownName.of("column", missing[0], columns, where=location)
        raise SourceError(f"Source {source.name}: {problem}")
    for name, times in Counter(columns).items():
        if times > 1:
            raise SourceError(f"{location}: the header names {name!r} {times} times.")
        if "\0" in name:
            raise SourceError(f"{location}: the header holds a NUL character in {name!r}.")


def frame(
    columns: Sequence[str], numbered: Sequence[tuple[int, int, Sequence[str | None]]]
) -> pl.DataFrame:
    """Return `rows` as `Records` wants them, from (line, row, values of `columns`)."""
    values: Iterable[Sequence[str | None]] = (
        zip(*(fields for _, _, fields in numbered), strict=True)
        if numbered
        else [()] * len(columns)
    )
    texts = pl.DataFrame(
        {
            name: pl.Series(fields, dtype=pl.String)
            for name, fields in zip(columns, values, strict=True)
        },
    )
    return texts.select(pl.all().replace("", None)).with_columns(
        pl.Series(LINE, [line for line, _, _ in numbered], pl.Int64),
        pl.Series(ROW, [row for _, row, _ in numbered], pl.Int64),
    )


def foreign(text: str) -> bool:
    """Return whether `text` holds what no encoding can write: half of a surrogate pair.

    A byte that was not of the file's encoding stands as one.
    """
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def set_aside(
    line: int, reason: str, raw: str, *, field: str | None = None, value: str | None = None
) -> dict[str, object]:
    """Return the row of `REJECTS` for a record; without `value`, the start of `raw` is shown."""
    return {
        "line": line,
        "field": field,
        "value": _printable(raw)[:200] if value is None else _printable(value),
        "reason": reason,
        "raw": _printable(raw),
    }


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
