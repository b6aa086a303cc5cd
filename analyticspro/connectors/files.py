"""The files connector: a folder of CSV files, plain or gzipped, each replaced as a whole."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import itertools
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path
from typing import IO

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch, Part
from analyticspro.connectors.csv_records import Broken, Record, read
from analyticspro.connectors.declaration import Source
from analyticspro.connectors.mapping import LINE, ROW, Mapping
from analyticspro.errors import SourceError, UnknownName
from analyticspro.events import SCHEMA

__all__ = ["fingerprint", "parts", "read_part"]

_RECORDS_PER_BATCH = 50_000


def parts(source: Source) -> list[Part]:
    """Return the files of `source`, by name.

    Raises:
        SourceError: No file fits the pattern, or one cannot be looked at.
    """
    root, pattern = _root(source.path)
    try:
        found = sorted(path for path in root.glob(pattern) if path.is_file())
        described = [(path, path.stat()) for path in found]
    except OSError as error:
        raise SourceError(f"Source {source.name}: {error}.") from None
    except (ValueError, NotImplementedError) as error:
        raise SourceError(
            f"Source {source.name}: path {source.path} cannot be searched: {error}."
        ) from None
    if not described:
        raise SourceError(
            f"Source {source.name}: no file fits {source.path}. Check path in sources.toml."
        )
    return [
        Part(path.relative_to(root).as_posix(), str(path), stat.st_size, stat.st_mtime_ns)
        for path, stat in described
    ]


def _root(path: str) -> tuple[Path, str]:
    """Return the folder without wildcards that `path` starts with, and the rest."""
    whole = Path(path)
    fixed = list(itertools.takewhile(lambda part: not has_magic(part), whole.parts[:-1]))
    return Path(*fixed), str(Path(*whole.parts[len(fixed) :]))


def fingerprint(part: Part) -> str:
    """Return a hash of the part's bytes."""
    try:
        with open(part.location, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise SourceError(f"{part.location} cannot be read: {error.strerror}.") from None


def read_part(source: Source, part: Part) -> Iterator[Batch]:
    """Yield the records of one file, in its order, some 50,000 at a time.

    Raises:
        SourceError: The file cannot be read to its end, or its header lacks a column. What
            was yielded before stays valid.
    """
    try:
        with open(part.location, "rb") as file:
            yield from _batches(source, part, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            f"{part.location} is not a whole gzip file ({error}). Is it still being written?"
        ) from None
    except UnicodeError as error:
        raise SourceError(
            f"{part.location} is not written in {source.encoding}: {error}. "
            "Set encoding in sources.toml."
        ) from None
    except OSError as error:
        raise SourceError(f"{part.location} cannot be read: {error.strerror}.") from None


def _batches(source: Source, part: Part, file: IO[bytes]) -> Iterator[Batch]:
    # A byte that is not of the encoding is kept as a surrogate, so that it costs its own
    # row only; a byte-order mark is no part of the first column's name.
    is_utf8 = codecs.lookup(source.encoding).name == "utf-8"
    encoding = "utf-8-sig" if is_utf8 else source.encoding
    is_gzip = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    content = gzip.GzipFile(fileobj=file) if is_gzip else file
    with io.TextIOWrapper(content, encoding, errors="surrogateescape", newline="") as text:
        records = read(iter(text), delimiter=source.delimiter)
        header = next(records, None)
        if header is None:
            nothing = pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema=REJECTS)
            yield Batch(*nothing, rounded=0, records=0, position=part.size)
            return
        columns = _header(source, part, header)
        mapping = Mapping(source, part.name)
        row = itertools.count(1)
        while chunk := list(itertools.islice(records, _RECORDS_PER_BATCH)):
            yield _batch(mapping, columns, chunk, row, os.lseek(file.fileno(), 0, os.SEEK_CUR))


def _header(source: Source, part: Part, header: Record | Broken) -> list[str]:
    if isinstance(header, Broken):
        raise SourceError(f"{part.location}, header: {header.reason}.")
    if _undecodable(header.fields) is not None:
        raise SourceError(
            f"{part.location}: the header is not written in {source.encoding}. "
            "Set encoding in sources.toml."
        )
    missing = sorted(source.columns() - set(header.fields))
    if missing:
        problem = UnknownName.of("column", missing[0], header.fields, where=part.location)
        raise SourceError(f"Source {source.name}: {problem}")
    for name, times in Counter(header.fields).items():
        if times > 1:
            raise SourceError(f"{part.location}: the header names {name!r} {times} times.")
        if "\0" in name:
            raise SourceError(f"{part.location}: the header holds a NUL character in {name!r}.")
    return header.fields


def _batch(
    mapping: Mapping,
    columns: list[str],
    chunk: list[Record | Broken],
    row: Iterator[int],
    position: int,
) -> Batch:
    # A broken record has a row number too: the rows after it keep theirs when it is mended.
    numbered = [(next(row), item) for item in chunk]
    broken = [_set_aside(item) for _, item in numbered if isinstance(item, Broken)]
    whole: list[tuple[int, Record]] = []
    for number, item in numbered:
        if isinstance(item, Record):
            bad = _undecodable(item.fields)
            if bad is None:
                whole.append((number, item))
            else:
                broken.append(_bad_text(item, columns, bad))
    rows = _frame(columns, whole)
    events, rejects, rounded = mapping.apply(rows)
    aside = pl.concat([pl.DataFrame(broken, schema=REJECTS), rejects]).sort("line")
    return Batch(events, aside, rounded, len(chunk), position)


def _frame(columns: list[str], whole: list[tuple[int, Record]]) -> pl.DataFrame:
    values = (
        zip(*(record.fields for _, record in whole), strict=True) if whole else [()] * len(columns)
    )
    texts = pl.DataFrame(
        {
            name: pl.Series(fields, dtype=pl.String)
            for name, fields in zip(columns, values, strict=True)
        },
    )
    return texts.select(pl.all().replace("", None)).with_columns(
        pl.Series(LINE, [record.line for _, record in whole], pl.Int64),
        pl.Series(ROW, [number for number, _ in whole], pl.Int64),
    )


def _undecodable(fields: list[str]) -> int | None:
    """Return the position of the field that holds a byte foreign to the encoding, if any."""
    if "".join(fields).isascii():
        return None
    for index, value in enumerate(fields):
        if any("\ud800" <= character <= "\udfff" for character in value):
            return index
    return None


def _set_aside(item: Broken) -> dict[str, object]:
    shown = _printable(item.text)
    return {
        "line": item.line,
        "field": None,
        "value": shown[:200],
        "reason": item.reason,
        "raw": shown,
    }


def _bad_text(item: Record, columns: list[str], index: int) -> dict[str, object]:
    return {
        "line": item.line,
        "field": columns[index],
        "value": _printable(item.fields[index]),
        "reason": "holds bytes that are not of the declared encoding",
        "raw": _printable(",".join(item.fields)),
    }


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
