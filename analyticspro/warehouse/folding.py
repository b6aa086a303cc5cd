"""Adds up rows that stand for one key, of which each compaction leaves some more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

__all__ = ["fold"]

# Rows of a table may grow by this and by its own size before they are added up again.
_ROWS_TO_FOLD = 100_000
# So many rows must stand for one key. Those who are there on one day come mostly in one batch.
_WORTH_FOLDING = 1.5


def fold(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    keys: Sequence[str],
    sums: Mapping[str, str],
    *,
    count: str = "events",
) -> None:
    """Add up the rows of one key once they have become many, where that makes them fewer.

    Args:
        connection: With a transaction open.
        table: One that has a `bucket`, and rows that add up to a `count` of 0 for what is gone.
        keys: Its columns that tell one thing from another.
        sums: Its other columns, and the SQL that adds each of them up.
        count: The one of these that is 0 for what is gone.
    """
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    found = connection.execute("SELECT rows FROM folded WHERE name = $name", {"name": table})
    [(before,)] = found.fetchall() or [(0,)]
    if rows <= 2 * before + _ROWS_TO_FOLD:
        return
    [(apart,)] = connection.execute(
        f"SELECT approx_count_distinct(hash({', '.join(keys)})) FROM {table}"
    ).fetchall()
    if rows > _WORTH_FOLDING * apart:
        columns = ", ".join(f"{sql} AS {name}" for name, sql in sums.items())
        connection.execute(
            f"CREATE TEMP TABLE anew AS SELECT {', '.join(keys)}, {columns} FROM {table} "
            f"GROUP BY ALL HAVING sum({count}) <> 0 ORDER BY bucket"
        )
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} FROM anew")
        connection.execute("DROP TABLE anew")
    connection.execute("DELETE FROM folded WHERE name = $name", {"name": table})
    connection.execute(f"INSERT INTO folded SELECT $name, count(*) FROM {table}", {"name": table})
