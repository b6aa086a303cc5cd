"""Unpacks files, as their first bytes say, not their names; one that is cut short is an error."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from analyticspro.errors import SourceError

__all__ = ["unpacked"]


@contextmanager
def unpacked(file: IO[bytes], location: str) -> Iterator[IO[bytes]]:
    """Give what `file` holds: itself, or the content of a gzip or zstd file.

    Raises:
        SourceError: Its compression is damaged, or does not end properly.
    """
    start = file.read(4)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        kind, content = "gzip", cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    elif start == b"\x28\xb5\x2f\xfd":
        kind, content = "zstd", _zstd(file)
    else:
        yield file
        return
    try:
        yield content
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the file itself cannot be read
        raise SourceError(
            f"{location} is not a whole {kind} file ({error}). Is it still being written?"
        ) from None


def _zstd(file: IO[bytes]) -> IO[bytes]:
    # Until Python 3.14 the standard library has none, and pyarrow is here anyway.
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"))
