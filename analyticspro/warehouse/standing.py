"""Statements that are planned once and run often, each time on other rows.

Most commits are small, and the planning of an INSERT of 36 columns takes longer than running
it on a thousand rows. DuckDB asks what is registered for its rows anew with every run of a
prepared statement, so that they can be exchanged.
"""

from __future__ import annotations

import duckdb
import polars as pl

__all__ = ["Standing"]


class _Given:
    """Rows that can be exchanged for others of the same columns."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


class Standing:
    """The standing statements of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._planned: dict[tuple[object, ...], tuple[str, _Given]] = {}
        self._planned_ever = 0

    def run(self, sql: str, rows: pl.DataFrame) -> int:
        """Run `sql`, which reads `rows` as `{rows}`; return how many rows it wrote.

        All values come in `rows`: what stands in `sql` is planned once.
        """
        key = (sql, *rows.schema.items())
        if key not in self._planned:
            self._planned[key] = self._plan(sql, rows)
        statement, given = self._planned[key]
        given.rows = rows
        try:
            [(count,)] = self.connection.execute(f"EXECUTE {statement}").fetchall()
        finally:
            given.rows = rows.clear()
        return int(count)

    def forget(self) -> None:
        """Plan anew: a transaction that is rolled back takes with it what was registered."""
        self._planned.clear()

    def _plan(self, sql: str, rows: pl.DataFrame) -> tuple[str, _Given]:
        self._planned_ever += 1
        name, given = f"standing_{self._planned_ever}", _Given(rows)
        self.connection.register(f"rows_of_{name}", given)
        self.connection.execute(f"PREPARE {name} AS {sql.replace('{rows}', f'rows_of_{name}')}")
        return name, given
