"""A long text that is sent often, each time with something else in one place, and in gzip."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

__all__ = ["Halves"]

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL = 5


@dataclass(frozen=True)
class Halves:
    """Two halves of a text that are compressed once, whatever is put between them.

    Attributes:
        before: The first, in deflate.
        before_sum: Its checksum.
        after: The second, in deflate to its end.
        after_sum: Its checksum.
        length: Of both, bytes before they were compressed.
        after_length: Of the second.
    """

    before: bytes
    before_sum: int
    after: bytes
    after_sum: int
    length: int
    after_length: int

    @classmethod
    def of(cls, text: str, mark: str) -> Halves:
        """Return the halves of a text around the first `mark`, which is in neither."""
        before, after = (part.encode() for part in text.split(mark, 1))
        return cls(
            _deflated(before),
            zlib.crc32(before),
            _deflated(after, is_last=True),
            zlib.crc32(after),
            len(before) + len(after),
            len(after),
        )

    def around(self, between: str) -> bytes:
        """Return the whole text in gzip, with `between` in its place."""
        text = between.encode()
        total = _joined(zlib.crc32(text, self.before_sum), self.after_sum, self.after_length)
        end = struct.pack("<II", total, (self.length + len(text)) & 0xFFFFFFFF)
        return b"".join((_HEADER, self.before, _deflated(text), self.after, end))


def _deflated(data: bytes, *, is_last: bool = False) -> bytes:
    # A full flush ends at a byte, and what follows refers to nothing before it.
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    flush = zlib.Z_FINISH if is_last else zlib.Z_FULL_FLUSH
    return packer.compress(data) + packer.flush(flush)


def _joined(first: int, second: int, length: int) -> int:
    """Return the checksum of two texts by theirs and the length of the second.

    The sum is linear: going on over a text differs by what going on over as many zeros does.
    """
    zeros = bytes(length)
    return second ^ zlib.crc32(zeros, first) ^ zlib.crc32(zeros)
