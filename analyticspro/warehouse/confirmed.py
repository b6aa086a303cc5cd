"""Which commit was confirmed last, written beside the file: by it a lost one is told.

DuckDB takes a log that ends in the midst of an entry for one that was torn by a kill, and leaves
the rest of it out. So it does if the length of an entry was damaged, or if the log was lost,
and then confirmed commits are missing. After each commit its revision is written here, without
waiting for the disk: a few microseconds. What a power cut leaves of it may be too low, never
too high, as the commit itself was on the disk before.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from analyticspro.errors import WarehouseError

__all__ = ["Confirmed", "check", "forget"]


class Confirmed:
    """Notes the newest commit that was confirmed."""

    def __init__(self, file: Path) -> None:
        self._place = _beside(file)
        self._noted = 0
        self._descriptor: int | None = None

    def note(self, revision: int) -> None:
        """Write down a revision; where it cannot be written, the last one stands."""
        if revision == self._noted:
            return
        with suppress(OSError):
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._place, flags, 0o600)
            os.pwrite(self._descriptor, f"{revision:020d}\n".encode(), 0)
        self._noted = revision

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def check(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Raise WarehouseError if a commit is missing that was confirmed; the log stays as it is."""
    try:
        confirmed = int(_beside(file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    newest = 0
    if connection.execute("FROM duckdb_tables() WHERE table_name = 'ledger'").fetchall():
        [(newest,)] = connection.execute("SELECT coalesce(max(revision), 0) FROM ledger").fetchall()
    if newest >= confirmed:
        return
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    raise WarehouseError(
        f"{file} cannot be opened: commit {confirmed} was confirmed, and the newest in it is "
        f"{newest}. Its log ({file.name}.wal) is damaged or gone, or this is an older copy. "
        "Restore a copy from the backups folder beside it; or, to go on without the commits that "
        f"are missing, delete {_beside(file)}."
    )


def forget(file: Path) -> None:
    """Forget what was confirmed: `file` is to be made."""
    with suppress(OSError):
        _beside(file).unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.confirmed")
