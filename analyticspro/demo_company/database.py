"""The database of the shop and the app: a file of SQLite whose rows are changed in place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from analyticspro.demo import Tale
from analyticspro.demo_company.records import moment, money

__all__ = ["update"]

TABLES = ("accounts", "orders", "reversals", "people", "packs")
_KEYS = {"orders": "order_id"}
_DELIVERED_AFTER = timedelta(days=2)


def update(file: Path, tale: Tale, start: datetime | None, end: datetime) -> None:
    """Write what came to be known in `[start, end)`; doing it again changes nothing.

    An order is changed once more when it has been delivered.
    """
    with closing(sqlite3.connect(file)) as database, database:
        for table in TABLES:
            rows = tale.between(table, start, end).rename({"known_at": "updated_at"})
            if table == "orders":
                earlier = None if start is None else start - _DELIVERED_AFTER
                done = tale.between(table, earlier, end - _DELIVERED_AFTER)
                done = done.rename({"known_at": "updated_at"}).with_columns(
                    pl.col("updated_at") + _DELIVERED_AFTER, delivery=pl.lit("delivered")
                )
                rows = rows.with_columns(delivery=pl.lit("on its way"))
                rows = pl.concat([rows, done])
            _put(database, table, rows)


def _put(database: sqlite3.Connection, table: str, rows: pl.DataFrame) -> None:
    times = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    written = rows.with_columns(moment(name) for name in times)
    if "amount" in rows.columns:
        written = written.with_columns(money("amount"))
    key = _KEYS.get(table, "id")
    columns = ", ".join(f'"{name}"' for name in written.columns)
    marks = ", ".join("?" * written.width)
    database.execute(f'CREATE TABLE IF NOT EXISTS "{table}" ({columns}, PRIMARY KEY ("{key}"))')
    index = f'CREATE INDEX IF NOT EXISTS "{table}_updated_at" ON "{table}" (updated_at, "{key}")'
    database.execute(index)
    database.executemany(
        f'INSERT OR REPLACE INTO "{table}" ({columns}) VALUES ({marks})',  # noqa: S608
        written.iter_rows(),
    )
