"""Copies a file and tells what was copied; the copy is on the disk when it returns."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from analyticspro.backup.manifest import Entry

__all__ = ["copy", "measured", "settle"]

_CHUNK = 1 << 20


def copy(source: Path, target: Path, advance: Callable[[int], None]) -> Entry:
    """Copy `source` to `target`, for the owner's eyes only; `advance` is told bytes."""
    for folder in reversed(target.parents):  # `parents=True` would leave them open to others
        folder.mkdir(mode=0o700, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as old, os.fdopen(descriptor, "wb") as new:
        while chunk := old.read(_CHUNK):
            new.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
        new.flush()
        os.fsync(new.fileno())
    return Entry(size, digest.hexdigest())


def measured(file: Path, advance: Callable[[int], None] = lambda count: None) -> Entry:
    """Return what `file` holds."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
    return Entry(size, digest.hexdigest())


def settle(folder: Path) -> None:
    """Have the names in `folder` on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
