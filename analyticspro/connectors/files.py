"""The files connector: a folder of files, each replaced as a whole.

Where a file is ends at its `Folder`, what it is unpacked from (`compression`) and written in
(`*_format`) at its `Records`; what follows is the same for all.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from glob import has_magic
from pathlib import Path
from typing import IO, Protocol

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch, Part
from analyticspro.connectors.compression import unpacked
from analyticspro.connectors.csv_format import read_csv
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.jsonl_format import read_jsonl
from analyticspro.connectors.mapping import Mapping
from analyticspro.connectors.object_store import Bucket
from analyticspro.connectors.object_store_settings import ObjectStore
from analyticspro.connectors.parquet_format import read_parquet
from analyticspro.connectors.records import Records
from analyticspro.errors import SourceError
from analyticspro.extract.secret import Secrets

__all__ = ["fingerprint", "is_settled", "parts", "read_part"]


class Folder(Protocol):
    """Where the files of a source are."""

    def parts(self) -> list[Part]:
        """Return the files that fit the source's path, by name; at least one."""

    def open(self, part: Part) -> AbstractContextManager[tuple[IO[bytes], Callable[[], int]]]:
        """Give a file that can seek, and what tells how many of its bytes were read so far."""


def parts(source: FilesSource, secrets: Secrets | None = None) -> list[Part]:
    """Return the files of `source`, by name.

    Args:
        source: Says where they are.
        secrets: Where those are looked up that an object store asks for.

    Raises:
        SourceError: No file fits the pattern, or one cannot be looked at.
        RetriableError: The object store that they are in cannot be reached.
    """
    return _folder(source, secrets).parts()


def _folder(source: FilesSource, secrets: Secrets | None) -> Folder:
    if not source.is_stored:
        return _LocalFolder(source)
    settings = source.store or ObjectStore()
    return Bucket(f"Source {source.name}", source.path, settings, secrets, source.name)


class _LocalFolder:
    """A folder of this machine."""

    def __init__(self, source: FilesSource) -> None:
        self._source = source

    def parts(self) -> list[Part]:
        """Return the files."""
        path, whose = self._source.path, f"Source {self._source.name}"
        root, pattern = _root(path)
        try:
            found = sorted(path for path in root.glob(pattern) if path.is_file())
            described = [(path, path.stat()) for path in found]
        except OSError as error:
            raise SourceError(f"{whose}: {error}.") from None
        except (ValueError, NotImplementedError) as error:
            raise SourceError(f"{whose}: path {path} cannot be searched: {error}.") from None
        if not described:
            raise SourceError(f"{whose}: no file fits {path}. Check path in sources.toml.")
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

    @contextmanager
    def open(self, part: Part) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
        """Give a file, and its own position."""
        with open(part.location, "rb") as file:
            yield file, lambda: os.lseek(file.fileno(), 0, os.SEEK_CUR)


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
    """Return a hash of the part's bytes, or what its store has instead of one."""
    if part.etag is not None:
        return f"etag-{part.etag}"
    try:
        with open(part.location, "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise SourceError(f"{part.location} cannot be read: {error.strerror}.") from None


def read_part(source: FilesSource, part: Part, secrets: Secrets | None = None) -> Iterator[Batch]:
    """Yield the records of one file, in its order, some 50,000 at a time.

    Args:
        source: Says how it is written.
        part: One of `parts`.
        secrets: As for `parts`.

    Raises:
        SourceError: The file cannot be read to its end, or lacks a column. What was yielded
            before stays valid.
        RetriableError: It is in an object store that does not answer, or changed meanwhile.
    """
    mapping = Mapping(source, source.name, part.name)
    try:
        with _folder(source, secrets).open(part) as (file, told):
            for records in _records(source, part, file):
                position = told() if records.position is None else records.position
                events, rejects, rounded = mapping.apply(records.rows)
                broken = pl.DataFrame(records.broken, schema=REJECTS)
                aside = pl.concat([broken, rejects]).sort("line")
                yield Batch(events, aside, rounded, records.count, position, mapping.lines)
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
