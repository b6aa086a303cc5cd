"""A file of SQLite, through Python's own driver. Its columns hold values of any type."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from analyticspro.connectors.sql_database import Column
from analyticspro.connectors.sql_failures import Failure
from analyticspro.connectors.sql_source import SqlSource

__all__ = ["SQLite"]

# The key of a table that is its row number is never empty, although nothing says so.
_COLUMNS = """
    SELECT name, "notnull" OR (pk AND lower(type) = 'integer') FROM pragma_table_xinfo(:name)
    WHERE hidden <> 1 ORDER BY cid"""
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
)

_CODES = {
    sqlite3.SQLITE_BUSY: Failure.BUSY,
    sqlite3.SQLITE_LOCKED: Failure.BUSY,
    sqlite3.SQLITE_SCHEMA: Failure.BUSY,
    sqlite3.SQLITE_INTERRUPT: Failure.SLOW,
    sqlite3.SQLITE_CANTOPEN: Failure.NO_DATABASE,
    sqlite3.SQLITE_NOTADB: Failure.BROKEN,
    sqlite3.SQLITE_CORRUPT: Failure.BROKEN,
    sqlite3.SQLITE_PERM: Failure.FORBIDDEN,
    sqlite3.SQLITE_AUTH: Failure.FORBIDDEN,
    sqlite3.SQLITE_READONLY: Failure.WRITES,
}
_STEPS_BETWEEN_LOOKS = 100_000


class SQLite:
    """A file of SQLite."""

    compares_rows = True
    error: type[Exception] = sqlite3.Error

    def __init__(self) -> None:
        self._give_up_at = float("inf")

    def engine(self, source: SqlSource, password: str | None) -> Engine:
        """Return how to connect."""
        place = f"{Path(source.address.database).absolute().as_uri()}?mode=ro"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(place, uri=True, timeout=source.connect_timeout)

        return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    def prepare(self, connection: Connection, source: SqlSource) -> None:
        """Make the connection read only, and keep bytes that are no text."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("PRAGMA query_only = ON")
        driver.execute("PRAGMA trusted_schema = OFF")
        driver.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
        driver.set_progress_handler(
            lambda: time.monotonic() > self._give_up_at, _STEPS_BETWEEN_LOOKS
        )

    def begin(self, connection: Connection, source: SqlSource) -> None:
        """Start the time that a query may take; it is a transaction of its own."""
        self._give_up_at = time.monotonic() + source.statement_timeout

    def clock(self, connection: Connection) -> float | None:
        """Return None: its clock is ours."""
        return None

    def columns(self, connection: Connection, table: Sequence[str]) -> list[Column]:
        """Return the columns of a table or view; none if it is not there."""
        found = connection.execute(text(_COLUMNS), {"name": table[-1]})
        return [Column(name, is_nullable=not needed) for name, needed in found]

    def tables(self, connection: Connection) -> list[str]:
        """Return what can be read."""
        return list(connection.execute(text(_TABLES)).scalars())

    def text(self, code: Any, values: Sequence[Any]) -> Sequence[str | None]:
        """Return a column's values as text."""
        return [value if value is None else _text(value) for value in values]

    def failure(self, error: BaseException) -> Failure:
        """Return what an error of sqlite3 means."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _CODES:  # the rest of it says more exactly why
            return _CODES[code & 0xFF]
        said = str(error)
        if "no such table" in said:
            return Failure.NO_TABLE
        return Failure.NO_COLUMN if "no such column" in said else Failure.OTHER


def _text(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
