"""Opens the warehouse file: one process, hardened, migrated with a backup first."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import polars as pl

from analyticspro import clock
from analyticspro.errors import WarehouseBusy, WarehouseError
from analyticspro.events import WriteMode
from analyticspro.policy import Scope
from analyticspro.warehouse.incoming import Prepared, prepare
from analyticspro.warehouse.reader import Reader
from analyticspro.warehouse.schema import MIGRATIONS
from analyticspro.warehouse.writer import Memory, Writer

__all__ = ["Warehouse"]

_WAIT_STEP_S = 0.1
_HOLDING = threading.Lock()
_HELD_HERE: set[Path] = set()


class Warehouse:
    """The open warehouse. Any number of readers beside one writer, in this one process."""

    def __init__(self, file: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._file = file
        self._connection = connection
        self._writing = threading.Lock()
        self._memory: Memory | None = None
        self._turns: dict[str, threading.Lock] = {}

    @classmethod
    def open(
        cls,
        file: Path,
        *,
        backups: Path,
        wait_for_s: float = 0,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> Warehouse:
        """Return the warehouse in `file`, made or brought to the newest schema first.

        Args:
            file: The DuckDB file; only its owner may read it.
            backups: Folder for the copy that is made before a migration.
            wait_for_s: How long to wait for another process that holds the file, seconds.
            migrations: The steps from an empty file to the newest schema.

        Raises:
            WarehouseBusy: Another process holds it, or another part of this one.
            WarehouseError: It is damaged, or of a newer version of this program.
        """
        deadline = time.monotonic() + wait_for_s
        place = file.resolve()
        while True:
            try:
                with _held_here(place):
                    return cls(place, _open_at(file, backups, migrations))
            except WarehouseBusy:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_WAIT_STEP_S)

    def close(self) -> None:
        """Write everything into the file and let go of it."""
        with self._writing:
            self._connection.close()
        _HELD_HERE.discard(self._file)

    @contextmanager
    def reader(self, scope: Scope) -> Iterator[Reader]:
        """Give a reader that sees one moment of the warehouse, and what `scope` may see."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield Reader(cursor, scope)
        finally:
            cursor.close()

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Give the writer, once whoever has it is done."""
        with self._writing:
            cursor = self._connection.cursor()
            try:
                if self._memory is None:
                    self._memory = Memory.read(cursor)
                yield Writer(cursor, self._memory)
            except duckdb.Error:
                self._memory = None  # what is in the file now, only the file can tell
                raise
            finally:
                cursor.close()

    @contextmanager
    def turn(self, source: str) -> Iterator[None]:
        """Wait until no other sync of `source` is at work, and keep them waiting."""
        with self._turns.setdefault(source, threading.Lock()):
            yield

    def prepare(self, source: str, events: pl.DataFrame, mode: WriteMode) -> Prepared:
        """Return `events` ready to be stored; whoever writes need not wait for this."""
        cursor = self._connection.cursor()
        try:
            return prepare(cursor, source, events, mode)
        finally:
            cursor.close()


@contextmanager
def _held_here(file: Path) -> Iterator[None]:
    """Note that this process holds `file`, unless what is done within fails.

    DuckDB would let one process open a file twice, and close it under the other's feet.
    """
    with _HOLDING:
        if file in _HELD_HERE:
            raise WarehouseBusy(f"{file} is open in this process already. Wait until it is done.")
        _HELD_HERE.add(file)
    try:
        yield
    except BaseException:
        _HELD_HERE.discard(file)
        raise


def _open_at(file: Path, backups: Path, migrations: Sequence[str]) -> duckdb.DuckDBPyConnection:
    if not file.exists():
        _make(file)
    connection = _connect(file)
    try:
        file.chmod(0o600)
        version = _version(connection)
        if 0 < version < len(migrations):
            connection.execute("CHECKPOINT")
            connection.close()
            _back_up(file, backups, version)
            connection = _connect(file)
            version = _version(connection)  # another process may have been quicker
        if version > len(migrations):
            raise WarehouseError(
                f"{file} has schema {version}, made by a newer AnalyticsPro; this one knows up "
                f"to {len(migrations)}. Install the newer one again, or restore a copy from "
                f"{backups}."
            )
        _migrate(connection, migrations, version)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except (duckdb.Error, OSError) as error:
        connection.close()
        raise _damaged(file, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _make(file: Path) -> None:
    """Put an empty database at `file`, whole from its first moment on.

    DuckDB writes its header after the file is there; a kill in between would leave a file
    that nothing can open.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="new-", dir=file.parent) as folder:
            draft = Path(folder) / file.name
            _connect(draft).close()
            with suppress(FileExistsError):  # another process was quicker: theirs stands
                os.link(draft, file)
    except OSError as error:
        raise _damaged(file, error) from None


def _connect(file: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(
            str(file), config={"checkpoint_threshold": "64MB", "python_enable_replacements": False}
        )
    except duckdb.IOException as error:
        text = str(error)
        if "Could not set lock" in text:
            holder = re.search(r"PID (\d+)", text)
            who = f"process {holder[1]}" if holder else "another process"
            raise WarehouseBusy(
                f"{file} is held by {who}. Only one process may open it: wait until that one "
                "ends, or start the services with 'analyticspro up' and ask them."
            ) from None
        raise _damaged(file, error) from None
    except duckdb.Error as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: Exception) -> WarehouseError:
    reason = str(error).splitlines()[0].rstrip(".!")
    return WarehouseError(
        f"{file} cannot be opened: {reason}. Restore a copy from the backups folder beside it, "
        "or sync the sources again into an empty one."
    )


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    found = connection.execute("SELECT max(version) FROM schema_version").fetchall()
    return int(found[0][0] or 0)


def _migrate(
    connection: duckdb.DuckDBPyConnection, migrations: Sequence[str], version: int
) -> None:
    connection.begin()
    for number, step in enumerate(migrations[version:], start=version + 1):
        connection.execute(step)
        connection.execute("INSERT INTO schema_version VALUES ($number)", {"number": number})
    connection.commit()


def _back_up(file: Path, backups: Path, version: int) -> None:
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = clock.now().strftime("%Y%m%dT%H%M%SZ")
    copy = backups / f"{file.stem}-schema{version}-{stamp}{file.suffix}"
    shutil.copy2(file, copy)
    copy.chmod(0o600)
