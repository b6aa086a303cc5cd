"""The files that a log was written to, and how far each was read.

A file is known again by what is in it (its first line, and the bytes before the place that was
reached), since a rotation renames it, copies it, or packs it: only then does its inode say
anything, for inodes are given out again.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Literal, cast

from analyticspro.connectors.compression import unpacked
from analyticspro.connectors.logs_lines import Line, Tail, head, skip

__all__ = ["Generation", "Opened", "Reached", "Rest", "found", "from_cursor", "to_cursor"]

# access.log → access.log.1, access.log.2.gz, access.log-20260131.zst, access-20260131.log
_MARK = r"[.-][0-9]{1,14}(?:[-_.T][0-9]{1,6}){0,5}"
_PACKED = (".gz", ".zst")
# After a rotation, a server may write to the renamed file for a while.
_STILL_WRITTEN_FOR = timedelta(hours=1)

Rest = Literal["nothing", "part", "more"]


@dataclass(frozen=True)
class Reached:
    """How far one file was read, and what it was then.

    Attributes:
        size, changed_ns: With device and inode tell that nothing can have changed.
        head: Of its first line.
        offset: Of the next line, in bytes of the unpacked content.
        tail: Of the bytes before `offset`.
        rest: What was left of it when it was `size` large: `part` of a line, or `more`.
        is_live: Whether it was the one that is written to.
    """

    device: int
    inode: int
    size: int
    changed_ns: int
    head: str
    offset: int
    tail: str
    rest: Rest
    is_live: bool

    def is_of(self, status: os.stat_result) -> bool:
        """Return whether `status` is that of the same file, unchanged."""
        now = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        return now == (self.device, self.inode, self.size, self.changed_ns)

    def is_same_file(self, other: Reached) -> bool:
        """Return whether both are of one file, not of a copy."""
        mine, theirs = (self.device, self.inode), (other.device, other.inode)
        return mine == theirs and self.head == other.head


@dataclass(frozen=True)
class Generation:
    """A file of the log; `is_final` says that its last line can no longer be completed."""

    path: Path
    inode: int
    is_live: bool
    is_final: bool


@dataclass
class Opened:
    """A file at the place from which it has to be read.

    Attributes:
        before: How far it was read before; None for a file that was not there.
    """

    status: os.stat_result
    content: IO[bytes]
    head: str
    offset: int
    tail: Tail
    before: Reached | None

    def go_over(self, line: Line) -> None:
        """Note that the next line was read."""
        self.tail.add(line.ending)
        self.offset = line.end

    def reached(self, *, rest: Rest, is_live: bool) -> Reached:
        """Return how far it is read now."""
        return Reached(
            self.status.st_dev,
            self.status.st_ino,
            self.status.st_size,
            self.status.st_mtime_ns,
            self.head,
            self.offset,
            self.tail.digest(),
            rest=rest,
            is_live=is_live,
        )


def from_cursor(cursor: str | None) -> list[Reached]:
    """Return the files that `cursor` tells of."""
    return [] if cursor is None else [Reached(**item) for item in json.loads(cursor)["files"]]


def to_cursor(reached: Iterable[Reached]) -> str:
    """Return the cursor that tells of these files."""
    return json.dumps({"files": [asdict(item) for item in reached]}, separators=(",", ":"))


def found(live: Path, now: datetime) -> list[Generation]:
    """Return the files of the log that are there, the oldest first.

    One that is just being packed is left out, for as long as what it is made of is there too.
    """
    stem, suffix = re.escape(live.stem), re.escape(live.suffix)
    pattern = re.compile(
        rf"(?:{stem}{suffix}(?P<number>{_MARK})|{stem}{_MARK}{suffix})(?:\.gz|\.zst)?"
    )
    dated = []
    names = {item.name for item in live.parent.iterdir()}
    for name in names:
        fits = pattern.fullmatch(name)
        path = live.parent / name
        is_packed = path.suffix in _PACKED
        if not fits or (is_packed and path.stem in names):
            continue
        status = _status(path)
        if status is None:
            continue
        last = datetime.fromtimestamp(status.st_mtime_ns / 1e9, now.tzinfo)
        is_final = is_packed or now - last >= _STILL_WRITTEN_FOR
        # Of files changed at the same moment, that with the higher number is older.
        digits = (fits["number"] or "").strip(".-")
        order = -int(digits) if digits.isdigit() and len(digits) < 5 else 0
        item = Generation(path, status.st_ino, is_live=False, is_final=is_final)
        dated.append((status.st_mtime_ns, order, item))
    older = [item for _, _, item in sorted(dated, key=lambda entry: (entry[:2], entry[2].path))]
    status = _status(live)
    if status is None:
        return older
    return [*older, Generation(live, status.st_ino, is_live=True, is_final=False)]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat() if path.is_file() else None
    except FileNotFoundError:
        return None


@contextmanager
def opened(generation: Generation, known: list[Reached]) -> Iterator[Opened | Reached | None]:
    """Give the file at the place up to which it was read; `Reached` if nothing came since.

    None stands for a file of which nothing can be said yet: it has no whole line.

    Raises:
        SourceError: It is packed, and not properly.
    """
    with open(generation.path, "rb") as file:
        status = os.fstat(file.fileno())
        same = next((item for item in known if item.is_of(status)), None)
        if same and (same.rest == "nothing" or (same.rest == "part" and not generation.is_final)):
            yield replace(same, is_live=generation.is_live)
            return
        with _content(file, generation.path) as content:
            name = head(content, is_final=generation.is_final)
        if name is None:
            yield None
            return
        for place in _candidates(known, name, status):
            with _content(file, generation.path) as content:
                tail = skip(content, place.offset)
                if tail is not None and tail.digest() == place.tail:
                    yield Opened(status, content, name, place.offset, tail, place)
                    return
        with _content(file, generation.path) as content:
            yield Opened(status, content, name, 0, Tail(), None)


@contextmanager
def _content(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Give the unpacked content from its start; `file` stays open."""
    # What unpacks may close what it was given, in its own time.
    with os.fdopen(os.dup(file.fileno()), "rb") as own:
        own.seek(0)
        with unpacked(own, str(path)) as content:
            # Not everything that unpacks can read a line.
            reader = io.BufferedReader(cast("io.RawIOBase", content), 1 << 16)
            try:
                yield reader
            finally:
                reader.detach()


def _candidates(known: list[Reached], name: str, status: os.stat_result) -> list[Reached]:
    """Return the files that this one may be: itself first, then those read furthest."""
    same = [item for item in known if item.head == name]
    here = (status.st_dev, status.st_ino)
    return sorted(same, key=lambda item: ((item.device, item.inode) != here, -item.offset))
