"""CSV files: a header, then records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TextIO

from analyticspro.connectors.csv_records import Broken, Record, read
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.records import (
    RECORDS_PER_BATCH,
    Records,
    check_columns,
    foreign,
    frame,
    set_aside,
)
from analyticspro.errors import SourceError

__all__ = ["read_csv"]


def read_csv(source: FilesSource, location: str, text: TextIO) -> Iterator[Records]:
    """Yield the records of a file of CSV.

    Raises:
        SourceError: Its header is broken, or lacks a column.
    """
    records = read(iter(text), delimiter=source.delimiter)
    header = next(records, None)
    if header is None:
        return
    columns = _header(source, location, header)
    row = itertools.count(1)
    while chunk := list(itertools.islice(records, RECORDS_PER_BATCH)):
        yield _records(columns, chunk, row)


def _header(source: FilesSource, location: str, header: Record | Broken) -> list[str]:
    if isinstance(header, Broken):
        raise SourceError(f"{location}, header: {header.reason}.")
    if _undecodable(header.fields) is not None:
        raise SourceError(
            f"{location}: the header is not written in {source.encoding}. "
            "Set encoding in sources.toml."
        )
    check_columns(source, location, header.fields)
    return header.fields


def _records(columns: list[str], chunk: list[Record | Broken], row: Iterator[int]) -> Records:
    broken: list[dict[str, object]] = []
    whole: list[tuple[int, int, list[str]]] = []
    # A broken record has a row number too: the rows after it keep theirs when it is mended.
    for item, number in zip(chunk, row, strict=False):
        if isinstance(item, Broken):
            broken.append(set_aside(item.line, item.reason, item.text))
            continue
        bad = _undecodable(item.fields)
        if bad is None:
            whole.append((item.line, number, item.fields))
        else:
            broken.append(_bad_text(item, columns[bad], item.fields[bad]))
    return Records(frame(columns, whole), broken, len(chunk))


def _undecodable(fields: list[str]) -> int | None:
    """Return the position of the field that holds a byte foreign to the encoding, if any."""
    if "".join(fields).isascii():
        return None
    return next((index for index, value in enumerate(fields) if foreign(value)), None)


def _bad_text(item: Record, column: str, value: str) -> dict[str, object]:
    reason = "holds bytes that are not of the declared encoding"
    return set_aside(item.line, reason, ",".join(item.fields), field=column, value=value)
