"""Opens the file itself: made whole, migrated with a backup first, hardened."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from analyticspro import clock
from analyticspro.errors import WarehouseBusy, WarehouseError
from analyticspro.warehouse import confirmed, partitions
from analyticspro.warehouse.failure import unopened

__all__ = ["ARCHIVE", "open_at", "remaking"]

ARCHIVE = "archive"  # beside the file
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    # Else every checkpoint writes row groups anew that have hardly changed, for whoever waits.
    "max_vacuum_tasks": 0,
    "python_enable_replacements": False,
}


def open_at(
    file: Path, backups: Path, migrations: Sequence[str], memory_mb: int
) -> duckdb.DuckDBPyConnection:
    """Return a connection to `file`, made or brought to the newest schema first.

    It keeps `memory_mb` of pages and intermediate results in memory, and puts more on disk.

    Raises:
        WarehouseBusy: Another process holds it.
        WarehouseError: It is damaged, cannot be written, or is of a newer program.
        RetriableError: There is no space for it.
    """
    if not file.exists():
        confirmed.forget(file)  # whoever took the file away wants another one
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
        confirmed.check(connection, file)
        _migrate(connection, migrations, version)
        archive, remade = file.resolve().parent / ARCHIVE, remaking(file.resolve())
        partitions.at_hand(connection, archive, is_changed=version < len(migrations))
        shutil.rmtree(remade, ignore_errors=True)  # of a process that was killed
        connection.execute(f"SET memory_limit = '{int(memory_mb)}MB'")
        connection.execute("SET GLOBAL TimeZone = 'UTC'")  # wherever this machine is
        connection.execute("SET GLOBAL parquet_metadata_cache = true")
        within = ", ".join(partitions.quoted(f"{folder}/") for folder in (archive, remade))
        connection.execute(f"SET allowed_directories = [{within}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except (duckdb.Error, OSError) as error:
        connection.close()
        raise unopened(file, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def remaking(file: Path) -> Path:
    """Return the folder in which another file is made that takes the place of `file`."""
    return file.with_name(f"{file.name}.new")


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
        raise unopened(file, error) from None


def _connect(file: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(file), config=_CONFIG)
    except duckdb.IOException as error:
        text = str(error)
        if "Could not set lock" in text:
            holder = re.search(r"PID (\d+)", text)
            who = f"process {holder[1]}" if holder else "another process"
            raise WarehouseBusy(
                f"{file} is held by {who}. Only one process may open it: wait until that one "
                "ends, or start the services with 'analyticspro up' and ask them."
            ) from None
        raise unopened(file, error) from None
    except duckdb.Error as error:
        raise unopened(file, error) from None


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
    draft = copy.with_suffix(".partial")
    try:
        shutil.copy2(file, draft)
        draft.chmod(0o600)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)
