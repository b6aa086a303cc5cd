"""A warehouse that persons' own statements are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from analyticspro.config import Home
from analyticspro.policy import OWNER
from analyticspro.sql import Limits
from analyticspro.warehouse import Reader, Warehouse

QUICK = Limits(seconds=0.5, memory=300 << 20)


@contextmanager
def unchanged(home: Home) -> Iterator[Warehouse]:
    """Open what a home holds; fail if anything of it is another after."""
    opened = Warehouse.open(home.warehouse_file, backups=home.path / "backups")
    before = ask(opened, "FROM events ORDER BY event_id")
    yield opened
    assert ask(opened, "FROM events ORDER BY event_id") == before
    opened.close()


def ask(
    warehouse: Warehouse,
    statement: str,
    values: dict[str, Any] | None = None,
    limits: Limits = QUICK,
) -> list[tuple[Any, ...]]:
    with warehouse.reader(OWNER) as reader:
        return reader.ask(statement, values or {}, limits, lambda: False).frame.rows()


def locked(reader: Reader) -> duckdb.DuckDBPyConnection:
    """Return the cursor that a statement runs on, without the walls before it."""
    connection: duckdb.DuckDBPyConnection = reader._connection
    return connection
