"""Looks at a warehouse file without changing a byte of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from analyticspro.errors import WarehouseBusy, WarehouseError
from analyticspro.warehouse.schema import MIGRATIONS

__all__ = ["NEWEST_SCHEMA", "Inspection", "inspect"]

NEWEST_SCHEMA = len(MIGRATIONS)
_COMMITS = ("ledger", "commits")  # where a commit is noted, now and in older schemas


@dataclass(frozen=True)
class Inspection:
    """What a warehouse file says of itself.

    Attributes:
        schema: The version of its schema; 0 if it was made but never used.
        committed_at: The newest commit, UTC; None without any.
    """

    schema: int
    committed_at: datetime | None


def inspect(file: Path) -> Inspection:
    """Return what `file` says of itself; it is opened for reading only, for a moment.

    Raises:
        WarehouseBusy: A process holds it.
        WarehouseError: It cannot be opened as it is.
    """
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            return _inspected(connection)
    except duckdb.Error as error:
        first = str(error).splitlines()[0].rstrip(".!")
        if "Could not set lock" in str(error):
            holder = re.search(r"PID (\d+)", str(error))
            who = f"process {holder[1]}" if holder else "another process"
            raise WarehouseBusy(f"{file} is held by {who}. Wait until that one ends.") from None
        raise WarehouseError(
            f"{file} cannot be opened: {first}. Restore a copy from the backups folder beside "
            "it, or sync the sources again into an empty one."
        ) from None


def _inspected(connection: duckdb.DuckDBPyConnection) -> Inspection:
    found = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    tables = {str(name) for (name,) in found}
    if "schema_version" not in tables:
        return Inspection(0, None)
    [(schema,)] = connection.execute("SELECT max(version) FROM schema_version").fetchall()
    noted = next((name for name in _COMMITS if name in tables), None)
    newest = None
    if noted is not None:
        [(newest,)] = connection.execute(f"SELECT max(committed_at) FROM {noted}").fetchall()
    return Inspection(int(schema or 0), None if newest is None else newest.replace(tzinfo=UTC))
