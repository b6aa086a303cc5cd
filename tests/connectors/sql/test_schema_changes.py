"""A table that is altered between syncs, and while one runs."""

from __future__ import annotations

import pytest

from analyticspro.errors import SourceError
from tests.connectors.sql.conftest import only, servers_only
from tests.connectors.sql.shop import Shop

AT = "2026-01-01 10:00:00"


def test_a_column_that_was_added_changes_nothing(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    sync = shop.sync()
    sync.run()
    shop.run("ALTER TABLE orders ADD note varchar(9)")
    assert sync.run() == []


def test_a_column_that_was_dropped_is_said_if_it_is_read(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    sync = shop.sync()
    sync.run()
    shop.run("ALTER TABLE orders DROP COLUMN customer")
    with pytest.raises(SourceError, match="No column 'customer'"):
        sync.run()


def test_a_column_that_is_dropped_while_it_is_read(shop: Shop) -> None:
    shop.orders((1, AT, "1"), (2, AT, "1"))
    pages = shop.sync(page_rows=1).pages()
    next(pages)
    shop.run("ALTER TABLE orders DROP COLUMN customer")
    with pytest.raises(SourceError, match="no such column"):
        list(pages)


@servers_only
def test_a_cursor_whose_column_got_another_type_starts_anew(shop: Shop) -> None:
    shop.orders((1, AT, "1"), (2, AT, "2"))
    sync = shop.sync()
    sync.run()
    change = {
        "postgresql": "ALTER TABLE orders ALTER id TYPE text",
        "mariadb": "ALTER TABLE orders MODIFY id varchar(20) NOT NULL",
    }[shop.kind]
    shop.run(change)
    assert sync.run() == ["1", "2"]
    assert sync.run() == []


def test_another_table_under_the_name_of_the_stream_starts_anew(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    sync = shop.sync()
    sync.run()
    shop.run("CREATE VIEW all_orders AS SELECT * FROM orders")
    sync.connector = shop.connector({"table": "all_orders"})
    assert sync.run() == ["1"]
    assert sync.run() == []


@only("postgresql")
def test_what_postgresql_alone_has(shop: Shop) -> None:
    """A table in a schema, a materialised view, a partitioned table."""
    shop.orders((1, AT, "1"))
    shop.run(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders AS SELECT * FROM orders",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders",
        "CREATE TABLE parted (LIKE orders) PARTITION BY LIST (id)",
        "CREATE TABLE part PARTITION OF parted DEFAULT",
        "INSERT INTO parted SELECT * FROM orders",
    )
    for table in ("sales.orders", "kept", "parted", f"{shop.name}.orders"):
        if table.startswith(shop.name):
            with pytest.raises(SourceError, match="No table"):
                shop.sync({"table": table}).run()
        else:
            assert shop.sync({"table": table}).run() == ["1"]


@only("mariadb")
def test_a_table_of_another_database(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    assert shop.sync({"table": f"{shop.name}.orders"}).run() == ["1"]
