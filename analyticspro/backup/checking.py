"""Checks that a backup holds what it says, and that it can be opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from analyticspro.backup.copying import measured
from analyticspro.backup.making import SQLITE
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
    for name in SQLITE:
        if name in manifest.files:
            _check_database(folder / name)
    schema = inspect(folder / "warehouse.duckdb").schema
    if schema > NEWEST_SCHEMA:
        raise SourceError(
            f"The backup in {folder} was made by a newer AnalyticsPro ({manifest.program}): its "
            f"warehouse has schema {schema}; this one knows up to {NEWEST_SCHEMA}. Install that."
        )
    return manifest


def _check_database(file: Path) -> None:
    try:
        # Immutable: nothing is written beside it, and whatever is there is not its journal.
        with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
            [[told]] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        told = str(error)
    if told != "ok":
        raise SourceError(f"{file} cannot be opened: {told}. Restore another backup.")
