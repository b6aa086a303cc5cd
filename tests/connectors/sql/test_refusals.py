"""What a database refuses, and how we end: the class of the error, and its cure."""

from __future__ import annotations

import gc
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from analyticspro.connectors.sql import SqlConnector, _database
from analyticspro.connectors.sql_session import opened
from analyticspro.errors import RetriableError, SourceError
from tests.connectors.sql.conftest import only, servers_only
from tests.connectors.sql.shop import Passwords, Shop, add, postgres_shop, sqlite_shop
from tests.local import free_port
from tests.servers import mariadb, postgresql

AT = "2026-01-01 10:00:00"


def refusal(shop: Shop, stream: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return why the source cannot be read."""
    with pytest.raises(SourceError) as caught:
        shop.sync(stream, **changes).run()
    return str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO orders VALUES (9, '2026-01-01', '2026-01-01', 1, 'x', 'y')",
        "UPDATE orders SET total = 0",
        "DELETE FROM orders",
        "CREATE TABLE intruder (a integer)",
        "DROP TABLE orders",
    ],
)
def test_the_connection_refuses_to_write(shop: Shop, statement: str) -> None:
    shop.orders((1, AT, "1"))
    source = shop.connector()._source
    with (
        opened(source, _database(source), shop.password) as session,
        pytest.raises(SourceError, match="never is"),
        session.transaction("Stream shop.orders") as connection,
    ):
        connection.execute(text(statement))
    assert shop.sync().run() == ["1"]


@only("postgresql")
def test_a_query_that_writes_is_refused(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    shop.run(
        "CREATE FUNCTION cheat() RETURNS timestamp LANGUAGE sql AS "
        "'DELETE FROM orders RETURNING created_at'"
    )
    for query in (
        "SELECT o.id, o.total, cheat() AS created_at FROM orders o",
        "SELECT o.id, o.total, now() AS created_at, set_config('transaction_read_only', 'off', "
        "false) FROM orders o",
    ):
        stream = {"query": query, "table": None, "updated_at": None, "customer_id": None}
        refusal(shop, {**stream, "properties": {}})
    assert shop.rows("SELECT count(*) FROM orders") == [(1,)]


@servers_only
def test_a_wrong_password_is_said_without_it(shop: Shop) -> None:
    shop.orders()
    connector = SqlConnector(shop.connector()._source, Passwords(database="hunter2"))
    with pytest.raises(SourceError) as caught:
        list(connector.read("orders", None, now=None))  # type: ignore[arg-type]
    assert "analyticspro secrets set shop.database" in str(caught.value)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
    assert "hunter2" not in shown
    assert shop.password not in shown


@servers_only
def test_a_source_shows_its_password_nowhere(shop: Shop) -> None:
    shop.orders()
    connector = shop.connector()
    assert shop.password not in f"{connector!r} {connector._source!r} {vars(connector._source)}"


@servers_only
def test_a_server_that_is_not_there_is_asked_again_later(shop: Shop) -> None:
    host, _, name = shop.url.rpartition("/")
    nobody = f"{host.rpartition(':')[0]}:{free_port()}/{name}"
    with pytest.raises(RetriableError, match="is not to be reached"):
        shop.sync(url=nobody).run()
    with pytest.raises(RetriableError, match="is not to be reached"):
        shop.sync(url=f"{shop.url.partition('@')[0]}@nowhere.invalid/x").run()


@servers_only
def test_a_database_that_is_not_there(shop: Shop) -> None:
    assert "no such database" in refusal(shop, url=f"{shop.url}x")


def test_a_table_that_is_not_there_is_told_by_the_nearest(shop: Shop) -> None:
    shop.orders()
    said = refusal(shop, {"table": "ordres"})
    assert said == "Stream shop.orders: No table 'ordres'. Did you mean 'orders'?"
    stream = {"table": None, "query": "SELECT * FROM ordres"}
    assert "no such table" in refusal(shop, stream)


def test_a_column_that_is_not_there_is_told_by_the_nearest(shop: Shop) -> None:
    shop.orders()
    said = refusal(shop, {"amount": "totl"})
    assert said == "Stream shop.orders: No column 'totl'. Did you mean 'total'?"
    stream = {"table": None, "query": "SELECT totl FROM orders"}
    assert "no such column" in refusal(shop, stream)


@servers_only  # SQLite calls them apart by itself
def test_columns_of_one_name_are_said(shop: Shop) -> None:
    shop.orders()
    query = "SELECT a.*, b.id FROM orders a, orders b"
    assert "'id'" in refusal(shop, {"table": None, "query": query})


@servers_only
def test_a_user_reads_what_it_was_granted(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    account = "reader@'%'" if shop.kind == "mariadb" else "reader"
    if shop.kind == "mariadb":
        shop.run("CREATE TABLE other (a int)", f"CREATE USER {account} IDENTIFIED BY 'long enough'")
        shop.run(f"GRANT SELECT ON other TO {account}")
    else:
        shop.run(f"CREATE ROLE {account} LOGIN PASSWORD 'long enough'")
    url = f"{shop.url.partition('//')[0]}//reader@{shop.url.partition('@')[2]}"
    reader = replace(shop, url=url, password="long enough")
    # MariaDB does not even tell that there is such a table.
    assert ("No table 'orders'" if shop.kind == "mariadb" else "GRANT SELECT") in refusal(reader)
    # It is enough to see the columns that are declared.
    columns = "id, created_at, updated_at, total, status"
    shop.run(f"GRANT SELECT ({columns}) ON orders TO {account}")
    assert reader.sync({"customer_id": None}).run() == ["1"]


@only("postgresql")
def test_a_query_that_takes_too_long_is_given_up(shop: Shop) -> None:
    slow = "SELECT 1 AS id, now() AS created_at, now() AS updated_at, 1 AS total, pg_sleep(60)"
    stream = {"table": None, "query": slow, "properties": {}, "customer_id": None}
    with pytest.raises(RetriableError, match="statement_timeout"):
        shop.sync({**stream, "keep": ["pg_sleep"]}, statement_timeout=1).run()


@only("mariadb")
def test_a_query_that_takes_too_long_is_given_up_by_mariadb(shop: Shop) -> None:
    slow = "SELECT 1 AS id, now() AS created_at, now() AS updated_at, sleep(60) AS total"
    stream = {"table": None, "query": slow, "properties": {}, "customer_id": None}
    with pytest.raises(RetriableError, match="statement_timeout"):
        shop.sync(stream, statement_timeout=1).run()


@only("sqlite")
def test_a_query_that_takes_too_long_is_given_up_by_sqlite(shop: Shop) -> None:
    slow = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT max(i) AS id, 1 AS created_at, 1 AS updated_at, 1 AS total FROM n"""
    stream = {"table": None, "query": slow, "properties": {}, "customer_id": None}
    with pytest.raises(RetriableError, match="statement_timeout"):
        shop.sync(stream, statement_timeout=1).run()


def test_a_table_that_is_locked_is_asked_again_later(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    lock = {
        "postgresql": "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
        "mariadb": "LOCK TABLES orders WRITE",
        "sqlite": "BEGIN EXCLUSIVE",
    }[shop.kind]
    sync = shop.sync(statement_timeout=1, connect_timeout=1)
    with closing(shop.connect()) as other:
        other.cursor().execute(lock)
        with pytest.raises(RetriableError):
            sync.run()
        other.rollback()
    assert sync.run() == ["1"]


def test_a_connection_that_is_cut_in_mid_read_goes_on_from_its_page(
    shop: Shop, maria: mariadb.Server
) -> None:
    shop.orders(*((n, AT, "1") for n in range(1, 8)))
    sync = shop.sync(page_rows=2)
    if shop.kind == "sqlite":
        Path(shop.name).rename(f"{shop.name}.gone")
        with pytest.raises(SourceError, match="no such database"):
            sync.run()
        Path(f"{shop.name}.gone").rename(shop.name)
    else:
        pages = sync.pages()
        next(pages)
        if shop.kind == "postgresql":
            shop.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'analyticspro' AND datname = current_database()"
            )
        else:
            maria.stop()
            maria.start()
        with pytest.raises(RetriableError):
            list(pages)
        assert sync.read == ["1", "2"]
    sync.run()
    assert set(sync.totals()) == {str(n) for n in range(1, 8)}


def test_a_server_that_stays_away_is_said() -> None:
    with postgresql.cluster() as server:
        shop = postgres_shop(server)
        shop.orders((1, AT, "1"), (2, AT, "1"))
        pages = shop.sync(page_rows=1).pages()
        next(pages)
    with pytest.raises(RetriableError):
        list(pages)


@servers_only
def test_no_transaction_stays_open_between_pages(shop: Shop) -> None:
    shop.orders(*((n, AT, "1") for n in range(1, 8)))
    pages = shop.sync(page_rows=2).pages()
    next(pages)
    # It would wait for any transaction that still looks at the table.
    shop.run("ALTER TABLE orders ADD more integer")
    assert len(list(pages)) == 3
    open_ones = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'analyticspro'",
        "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = database() "
        "AND id <> connection_id()",
    }[shop.kind]
    assert shop.rows(open_ones) == [(0,)]


def test_a_connection_is_closed_by_whoever_stops_early(shop: Shop) -> None:
    shop.orders(*((n, AT, "1") for n in range(1, 8)))
    shop.sync(page_rows=2).run(pages=1)
    gc.collect()  # what is not closed would warn, and a warning is an error
    shop.run("DROP TABLE orders")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    shop = sqlite_shop(tmp_path / "shop.sqlite")
    (tmp_path / "shop.sqlite").write_bytes(b"no database" * 100)
    assert "a whole file of SQLite" in refusal(shop)


def test_a_file_whose_name_is_odd(tmp_path: Path) -> None:
    shop = sqlite_shop(tmp_path / "50% of?them#é.sqlite")
    shop.orders((1, AT, "1"))
    assert shop.sync().run() == ["1"]


def test_a_key_that_is_none_is_said(shop: Shop) -> None:
    shop.orders((1, AT, "1"), (2, AT, "1"), (3, AT, "1"), (4, "2026-01-02 10:00:00", "1"))
    said = refusal(shop, {"key": ["customer"]}, page_rows=2)
    assert "have the same customer" in said


def test_rows_of_one_key_are_not_parted(shop: Shop) -> None:
    shop.orders((1, AT, "1"), (2, AT, "1"), (3, "2026-01-02 10:00:00", "1"))
    shop.run(add(4, "2026-01-03 10:00:00", "1", "bob"), add(5, "2026-01-03 10:00:00", "1", "bob"))
    sync = shop.sync({"key": ["customer"]}, page_rows=2)
    sync.run()
    assert sync.read == ["ann", "ann", "ann", "bob", "bob"]


@only("mariadb")
def test_rows_are_not_read_in_the_order_of_an_enum(shop: Shop) -> None:
    shop.orders()
    shop.run("ALTER TABLE orders MODIFY status enum('b', 'a') NOT NULL")
    assert "is an enum" in refusal(shop, {"key": ["status"]})


def test_a_place_within_json_is_none(shop: Shop) -> None:
    shop.orders()
    assert "sorted by it" in refusal(shop, {"updated_at": "customer.changed"})


def test_a_row_that_is_being_changed_is_read_as_it_was_committed(shop: Shop) -> None:
    shop.orders((1, AT, "1"))
    sync = shop.sync()
    with closing(shop.connect()) as writer:
        writer.cursor().execute("UPDATE orders SET total = 2")
        sync.run()
        writer.rollback()
    assert sync.totals() == {"1": 100}
