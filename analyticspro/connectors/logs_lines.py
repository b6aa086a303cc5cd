"""Lines of a file that may still grow, each with where it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

__all__ = ["LINE_ID", "LONGEST_LINE", "Line", "Tail", "head", "lines", "skip"]

# A column that no field of a log can be called: what a line is known by without a key.
LINE_ID = "\0id"
LONGEST_LINE = 1_000_000
_HEAD = 4_096
_TAIL = 512
_PIECE = 1 << 20


@dataclass(frozen=True)
class Line:
    """A line, or what is there of one.

    Attributes:
        offset: Where it starts, in bytes of the unpacked content.
        end: Where the next one starts.
        content: Without its end; of one that is too long the first `LONGEST_LINE` + 1 bytes.
        ending: Its last bytes, its end included, for whoever keeps a `Tail`.
        is_whole: Whether its end is there.
    """

    offset: int
    end: int
    content: bytes
    ending: bytes
    is_whole: bool


class Tail:
    """The last bytes before a place in a file: they tell whether it is still the same file."""

    def __init__(self, content: bytes = b"") -> None:
        self._content = content[-_TAIL:]

    def add(self, content: bytes) -> None:
        """Go on over `content`."""
        self._content = (self._content + content[-_TAIL:])[-_TAIL:]

    def digest(self) -> str:
        """Return what they are known by."""
        return _digest(self._content)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def head(content: IO[bytes], *, is_final: bool) -> str | None:
    """Return what a file is known by from its first line on; None while that is not whole.

    It depends on no byte that could still change, so it outlives a renaming, a copy and a
    compression, and a file that is truncated and begun anew has another.
    """
    start = content.readline(_HEAD)
    if not start or not (start.endswith(b"\n") or len(start) == _HEAD or is_final):
        return None
    return _digest(start)


def skip(content: IO[bytes], offset: int) -> Tail | None:
    """Go on to `offset`; return the tail there, None if there are not as many bytes."""
    tail, left = Tail(), offset
    while left:
        piece = content.read(min(left, _PIECE))
        if not piece:
            return None
        tail.add(piece)
        left -= len(piece)
    return tail


def lines(content: IO[bytes], start: int) -> Iterator[Line]:
    """Yield the lines from `start`, where `content` stands; a last one without its end too."""
    offset = start
    while text := content.readline(LONGEST_LINE + 1):
        end, ending, last = offset + len(text), text[-_TAIL:], text
        while last and not last.endswith(b"\n"):
            last = content.readline(_PIECE)
            end += len(last)
            ending = (ending + last[-_TAIL:])[-_TAIL:]
        stripped = text.removesuffix(b"\n").removesuffix(b"\r")
        yield Line(offset, end, stripped, ending, ending.endswith(b"\n"))
        offset = end
