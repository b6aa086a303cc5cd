"""Narrows what a connection reads to the rows that a policy grants.

The tables that figures are read from are hidden behind views of their names, of this
connection alone. So a statement need not know of policies, and none can forget them. Views
bind no values: what a filter names is set as variables of the connection, which they read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb

from analyticspro.policy import Rows
from analyticspro.warehouse.rollups import DIMENSIONS, MEMBERS

__all__ = ["as_known_at", "has_members", "has_rollups", "narrow", "widen"]

_ROLLUPS = ("rollup_hour", "rollup_day", "rollup_month")
_OF_MEMBERS = ("source", "name")


def as_known_at(connection: duckdb.DuckDBPyConnection, moment: datetime) -> int:
    """Let `events` be what was known at `moment` on this connection; return its revision."""
    [(revision,)] = connection.execute(
        "SELECT coalesce(max(revision), 0) FROM ledger WHERE committed_at <= $moment",
        {"moment": moment.astimezone(UTC).replace(tzinfo=None)},
    ).fetchall()
    _view(connection, "events", "true", int(revision))
    return int(revision)


def has_rollups(rows: Rows) -> bool:
    """Whether the rollups hold every column that telling `rows` takes."""
    return rows.fields <= set(DIMENSIONS)


def has_members(rows: Rows) -> bool:
    """Whether the same holds for who was there each day."""
    return rows.fields <= set(_OF_MEMBERS)


def narrow(connection: duckdb.DuckDBPyConnection, rows: Rows, as_known: int | None) -> None:
    """Have `connection` see these rows alone; what cannot be told apart, it sees nothing of.

    Args:
        connection: With a transaction open.
        rows: What is left.
        as_known: The revision of the moment it reads, if it is an earlier one.
    """
    bound: list[Any] = []

    def bind(value: Any) -> str:
        bound.append(value)
        return f"getvariable('policy_{len(bound) - 1}')"

    condition = rows.sql(bind)
    for number, value in enumerate(bound):
        connection.execute(f"SET VARIABLE policy_{number} = $value", {"value": value})
    _view(connection, "events", condition, as_known)
    for table in _ROLLUPS:
        _view(connection, table, condition if has_rollups(rows) else "false")
    for column in MEMBERS:
        _view(connection, f"members_{column}", condition if has_members(rows) else "false")


def widen(connection: duckdb.DuckDBPyConnection, as_known: int | None) -> None:
    """Undo `narrow`."""
    for table in (*_ROLLUPS, *(f"members_{column}" for column in MEMBERS)):
        connection.execute(f"DROP VIEW IF EXISTS temp.{table}")
    if as_known is None:
        connection.execute("DROP VIEW IF EXISTS temp.events")
    else:
        _view(connection, "events", "true", as_known)


def _view(
    connection: duckdb.DuckDBPyConnection, table: str, condition: str, as_known: int | None = None
) -> None:
    [(database,)] = connection.execute("SELECT current_database()").fetchall()
    columns, known = "*", "true"
    if as_known is not None:
        # Revisions and the database's name are this program's own.
        columns = "* REPLACE (NULL::BIGINT AS retired)"
        known = f"revision <= {as_known:d} AND (retired IS NULL OR retired > {as_known:d})"
    connection.execute(
        f'CREATE OR REPLACE TEMP VIEW {table} AS SELECT {columns} FROM "{database}".main.{table} '
        f"WHERE {known} AND ({condition})"
    )
