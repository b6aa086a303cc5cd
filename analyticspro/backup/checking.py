"""Checks that a backup holds what it says, and that it can be opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analyticspro.backup.copying import measured
from analyticspro.backup.manifest import Manifest
from analyticspro.errors import SourceError
from analyticspro.warehouse import NEWEST_SCHEMA, inspect

__all__ = ["check"]


def check(folder: Path, *, progress: Callable[[int, int], None]) -> Manifest:
    """Return the manifest of the backup in `folder`, once every byte has been read.

    Args:
        folder: The backup.
        progress: Called with bytes read, and bytes in all.

    Raises:
        SourceError: It is none; a file is missing or differs; it is of a newer version.
        WarehouseError: Its warehouse cannot be opened.
    """
    manifest = Manifest.read(folder)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(min(done, manifest.size), manifest.size)

    for name, entry in manifest.files.items():
        try:
            found = measured(folder / name, advance)
        except OSError as error:
            raise SourceError(
                f"The backup in {folder} lacks {name} ({error.strerror}). Restore another one."
            ) from None
        if found != entry:
            raise SourceError(
                f"{name} in {folder} is not what was copied: its checksum differs. "
                "Restore another backup."
            )
    schema = inspect(folder / "warehouse.duckdb").schema
    if schema > NEWEST_SCHEMA:
        raise SourceError(
            f"The backup in {folder} was made by a newer AnalyticsPro ({manifest.program}): its "
            f"warehouse has schema {schema}; this one knows up to {NEWEST_SCHEMA}. Install that."
        )
    return manifest
