"""The files connector: a folder of files, each replaced as a whole.

What a file is unpacked from (`compression`) and written in (`*_format`) ends at its `Records`;
what follows is the same for all.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from glob import has_magic
from pathlib import Path
from typing import IO

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch, Part
from analyticspro.connectors.compression import unpacked
from analyticspro.connectors.csv_format import read_csv
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.jsonl_format import read_jsonl
from analyticspro.connectors.mapping import Mapping
from analyticspro.connectors.parquet_format import read_parquet
from analyticspro.connectors.records import Records
from analyticspro.errors import SourceError

__all__ = ["fingerprint", "is_settled", "parts", "read_part"]


def parts(source: FilesSource) -> list[Part]:
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
        Part(
            path.relative_to(root).as_posix(),
            str(path),
            stat.st_size,
            stat.st_mtime_ns,
            touched_ns=stat.st_ctime_ns,
        )
        for path, stat in described
    ]


def _root(path: str) -> tuple[Path, str]:
    """Return the folder without wildcards that `path` starts with, and the rest."""
    whole = Path(path)
    fixed = list(itertools.takewhile(lambda part: not has_magic(part), whole.parts[:-1]))
    return Path(*fixed), str(Path(*whole.parts[len(fixed) :]))


def is_settled(source: FilesSource, part: Part, now: datetime) -> bool:
    """Return whether the part's size and time have been still for `source.settled_for`.

    What the system notes with every change is asked, since the time of change itself can be
    set to any value. One that is far in the future comes from a clock that was put back: it
    says nothing, and the file is taken as it is.
    """
    still_for = now.timestamp() - part.touched_ns / 1e9
    return abs(still_for) >= timedelta(seconds=source.settled_for).total_seconds()


def fingerprint(part: Part) -> str:
    """Return a hash of the part's bytes."""
    try:
        with open(part.location, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise SourceError(f"{part.location} cannot be read: {error.strerror}.") from None


def read_part(source: FilesSource, part: Part) -> Iterator[Batch]:
    """Yield the records of one file, in its order, some 50,000 at a time.

    Raises:
        SourceError: The file cannot be read to its end, or lacks a column. What was yielded
            before stays valid.
    """
    mapping = Mapping(source, source.name, part.name)
    try:
        with open(part.location, "rb") as file:
            for records in _records(source, part, file):
                position = records.position
                if position is None:
                    position = os.lseek(file.fileno(), 0, os.SEEK_CUR)
                events, rejects, rounded = mapping.apply(records.rows)
                broken = pl.DataFrame(records.broken, schema=REJECTS)
                aside = pl.concat([broken, rejects]).sort("line")
                yield Batch(events, aside, rounded, records.count, position)
    except UnicodeError as error:
        raise SourceError(
            f"{part.location} is not written in {source.encoding}: {error}. "
            "Set encoding in sources.toml."
        ) from None
    except OSError as error:
        raise SourceError(f"{part.location} cannot be read: {error.strerror}.") from None


def _records(source: FilesSource, part: Part, file: IO[bytes]) -> Iterator[Records]:
    if source.format == "parquet":
        yield from read_parquet(source, part.location, file)
        return
    # A byte that is not of the encoding is kept as a surrogate, so that it costs its own
    # row only; a byte-order mark is no part of the first column's name.
    is_utf8 = codecs.lookup(source.encoding).name == "utf-8"
    encoding = "utf-8-sig" if is_utf8 else source.encoding
    # In CSV a lone CR may end a line; in JSON it is a blank like any other.
    read, newline = (read_csv, "") if source.format == "csv" else (read_jsonl, "\n")
    with (
        unpacked(file, part.location) as content,
        io.TextIOWrapper(content, encoding, errors="surrogateescape", newline=newline) as text,
    ):
        yield from read(source, part.location, text)
