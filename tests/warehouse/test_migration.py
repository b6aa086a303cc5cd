"""A warehouse of the first schema becomes one of the newest: nothing lost, nothing read anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from analyticspro.ingest import load_events
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.schema import MIGRATIONS
from tests.ingest.shop import Shop, counts

ROWS = ("1,2011-11-05,Ann,1.00", "2,2011-11-06,Bob,2.00", "3,2011-11-07,,0.125", "4,soon,Dan,4")
KEYED: dict[str, Any] = {"key": ["id"]}
# How the first schema told a changed record.
CONTENT = """hash(name, epoch_us(occurred_at), coalesce(customer_id, chr(30)), properties, raw)"""


def opened(file: Path) -> Warehouse:
    return Warehouse.open(file, backups=file.parent / "backups")


@contextmanager
def shop_in(folder: Path, name: str) -> Iterator[Shop]:
    warehouse = opened(folder / name)
    try:
        yield Shop(folder, warehouse)
    finally:
        warehouse.close()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A warehouse of the first schema, with what a sync of it had left there.

    Bob's amount was corrected by the second revision, and row 9 retracted by the third.
    """
    with shop_in(tmp_path, "newest.duckdb") as shop:
        shop.write(*ROWS)
        shop.sync(**KEYED)
    file = tmp_path / "first.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(MIGRATIONS[0])
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO schema_version VALUES (1)")
        connection.execute(f"ATTACH '{tmp_path / 'newest.duckdb'}' AS newest (READ_ONLY)")
        connection.execute(
            "INSERT INTO commits SELECT n, TIMESTAMP '2011-12-01' + n * INTERVAL 1 DAY "
            "FROM generate_series(1, 3) AS numbers(n)"
        )
        columns = [row[0] for row in connection.execute("DESCRIBE events").fetchall()]
        for changes in (
            {"revision": "2"},
            {"revision": "1", "retired": "2", "amount_minor": "199", "content_hash": "7",
             "only": "customer_id = 'Bob'"},
            {"revision": "1", "retired": "3", "event_id": "'shop:9'", "content_hash": "8",
             "only": "customer_id = 'Ann'"},
        ):  # fmt: skip
            values = {"content_hash": CONTENT} | changes
            only = values.pop("only", "true")
            chosen = ", ".join(f"{values.get(name, name)} AS {name}" for name in columns)
            connection.execute(
                f"INSERT INTO events SELECT {chosen} FROM newest.events WHERE {only}"
            )
        for table in ("rejects", "cursors", "sources"):
            connection.execute(f"INSERT INTO {table} BY NAME FROM newest.{table}")
    return file


def frame(file: Path, sql: str) -> list[tuple[Any, ...]]:
    warehouse = opened(file)
    try:
        with warehouse.reader(OWNER) as reader:
            return reader.frame(sql).rows()
    finally:
        warehouse.close()


def content_of(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that the first schema holds, but what tells a changed record."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            "events": connection.execute(
                "SELECT * EXCLUDE (content_hash) FROM events ORDER BY ALL"
            ).fetchall(),
            **{
                table: connection.execute(f"FROM {table} ORDER BY ALL").fetchall()
                for table in ("rejects", "cursors", "sources")
            },
        }


def test_nothing_is_lost(first: Path):
    before = content_of(first)
    assert len(before["events"]) == 5
    opened(first).close()
    with duckdb.connect(str(first), read_only=True) as connection:
        kept = connection.execute(
            "SELECT * EXCLUDE (seq, id_high, id_low, content_hash, version, status, method, path, "
            "bytes_sent, response_us, monitor, observed_seconds) FROM events ORDER BY ALL"
        ).fetchall()
        tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    assert kept == before.pop("events")
    assert "events_1" not in tables
    assert "commits" not in tables
    after = content_of(first)
    assert before == {table: after[table] for table in before}
    assert frame(first, "SELECT DISTINCT revision, committed_at FROM ledger ORDER BY ALL") == [
        (number, datetime(2011, 12, 1 + number)) for number in (1, 2, 3)
    ]


def test_a_copy_of_the_first_is_kept(first: Path):
    before = content_of(first)
    opened(first).close()
    [copy] = (first.parent / "backups").iterdir()
    assert content_of(copy) == before


def test_versions_are_numbered_in_their_order_and_known_by_their_ids(first: Path):
    opened(first).close()
    rows = frame(first, "SELECT seq, revision, source, event_id, id_high, id_low FROM events")
    assert sorted(seq for seq, *_ in rows) == [1, 2, 3, 4, 5]
    assert [revision for _, revision, *_ in sorted(rows)] == [1, 1, 2, 2, 2]
    for _, _, source, event_id, high, low in rows:
        digest = hashlib.md5(f"{source}\x1f{event_id}".encode(), usedforsecurity=False).digest()
        number = int.from_bytes(digest, "little")
        assert (high, low) == (number >> 64, number % 2**64)


def test_the_ledger_of_what_was_before_adds_up(first: Path):
    opened(first).close()
    assert frame(
        first,
        "SELECT revision, source, part, seen, new, changed, duplicates, rejected, retracted "
        "FROM ledger ORDER BY ALL",
    ) == [
        (1, "shop", "orders.csv", 3, 2, 0, 0, 1, 0),
        (2, "shop", "orders.csv", 3, 2, 1, 0, 0, 0),
        (3, "shop", "orders.csv", 0, 0, 0, 0, 0, 1),
    ]


def test_the_same_file_read_again_is_found_unchanged(first: Path):
    with shop_in(first.parent, first.name) as shop:
        assert counts(shop.sync(**KEYED)) == {}, "its cursor was kept"
        with shop.warehouse.writer() as writer:
            writer.forget("shop")
        assert counts(shop.sync(**KEYED)) == {
            "read": 1, "records": 4, "unchanged": 3, "rejected": 1, "rounded": 1,
        }  # fmt: skip
        shop.write(ROWS[0], ROWS[1].replace("2.00", "1.99"), "9,2011-11-05,Ann,1.00")
        assert counts(shop.sync(**KEYED)) == {
            "read": 1, "records": 3, "new": 1, "changed": 1, "unchanged": 1, "retracted": 1,
        }  # fmt: skip
        assert shop.live("customer_id, amount_minor") == [("Ann", 100), ("Bob", 199), ("Ann", 100)]


def test_what_the_program_made_up_itself_is_found_unchanged(first: Path):
    warehouse = opened(first)
    try:
        with warehouse.reader(OWNER) as reader:
            made = reader.frame(
                "SELECT event_id, name, occurred_at, customer_id, user_id, session_id, "
                "amount_minor, currency, properties, raw, version "
                "FROM events WHERE retired IS NULL ORDER BY seq"
            ).with_columns(pl.col("occurred_at").dt.replace_time_zone("UTC"))
        report = load_events("shop", made, warehouse, progress=lambda step: None)
        assert (report.new, report.changed, report.unchanged) == (0, 0, 3)
    finally:
        warehouse.close()


def test_the_history_begins_with_the_last_sync_of_each_source(first: Path):
    warehouse = opened(first)
    try:
        [row] = warehouse.syncs.history("shop", limit=9).to_dicts()
        [latest] = warehouse.syncs.latest().to_dicts()
    finally:
        warehouse.close()
    assert (row["id"], row["kind"], row["is_at_work"]) == (1, "sync", False)
    assert (latest["succeeded_at"], latest["failures"]) == (row["started_at"], 0)
