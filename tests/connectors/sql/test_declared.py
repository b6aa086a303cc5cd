"""What a source that is a database may declare, and what is said of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import load, parse
from analyticspro.connectors.sql_address import Address
from analyticspro.connectors.sql_source import SqlSource
from analyticspro.errors import SettingError
from analyticspro.events import WriteMode
from tests.connectors.sql.shop import STREAM, Shop

EXAMPLE = Path(__file__).parents[3] / "examples" / "sql-database" / "sources.toml"
TABLE = {"name": "shop", "connector": "sql", "url": "mysql://me@host/shop"}


def declared(stream: dict[str, Any] | None = None, **changes: Any) -> SqlSource:
    both = STREAM | (stream or {})
    kept = {name: value for name, value in both.items() if value is not None}
    source = parse(TABLE | {"streams": {"orders": kept}} | changes, "sources.toml")
    assert isinstance(source, SqlSource)
    return source


def test_the_example_is_declared_well():
    [source] = load(EXAMPLE, {"SHOP_DATABASE": "postgresql://analytics@db.example.com/shop"})
    assert isinstance(source, SqlSource)
    modes = {name: stream.write_mode for name, stream in source.streams.items()}
    assert modes == {
        "orders": WriteMode.REPLACE,
        "page_views": WriteMode.APPEND,
        "partners": WriteMode.REPLACE,
        "sign_ups": WriteMode.REPLACE,
    }
    assert [name for name, stream in source.streams.items() if stream.is_whole] == ["partners"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgres://me@host/db", Address("postgresql", "me", "host", 5432, "db")),
        ("mariadb://m%40e@[::1]:99/d%2Fb", Address("mysql", "m@e", "::1", 99, "d/b")),
        (
            "postgresql://me@%2Fvar%2Frun/db",
            Address("postgresql", "me", "/var/run", 5432, "db"),
        ),
        ("sqlite:////a/b%20c.db", Address("sqlite", "", "", 0, "/a/b c.db")),
    ],
)
def test_addresses(url: str, address: Address):
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me:hunter2@host/shop", "holds a password"),
        ("mysql://me@host/shop?password=hunter2", "ends in settings"),
        ("mysql://host/hunter2", "must name all"),
        ("mysql://me@host:hunter2/shop", "HOST:PORT"),
        ("oracle://hunter2@host/shop", "must start with"),
        ("sqlite://hunter2", "sqlite:///PATH"),
    ],
)
def test_an_address_that_is_none_is_not_shown(url: str, said: str):
    with pytest.raises(SettingError, match=said) as caught:
        declared(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"query": "SELECT 1"}, "exactly one of table and query"),
        ({"table": None}, "exactly one of table and query"),
        ({"table": None, "query": "DELETE FROM orders"}, "must start with SELECT or WITH"),
        ({"table": "a.b.c"}, "SCHEMA.NAME"),
        ({"key": None}, "key is missing"),
        ({"mode": "merge"}, "needs version"),
        ({"version": "at", "updated_at": None, "lookback": None}, "needs updated_at"),
        ({"updated_at": None, "lookback": 5}, "lookback says nothing"),
        ({"updated_at": None, "mode": "replace"}, "overlap says nothing"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused(stream: dict[str, Any], said: str):
    with pytest.raises(SettingError, match=said):
        declared(stream)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "Hunter-2"}, "must be the name of a secret"),
        ({"tls_ca": "ca.pem"}, "needs tls = 'verify'"),
        ({"url": "sqlite:///a.db", "tls": "verify"}, "says nothing about a file"),
        ({"streams": {}}, "streams"),
    ],
)
def test_a_source_that_cannot_be_reached_is_refused(changes: dict[str, Any], said: str):
    with pytest.raises(SettingError, match=said) as caught:
        declared(**changes)
    assert "Hunter-2" not in str(caught.value)


def test_paths_are_taken_from_the_folder_of_the_declaration(tmp_path: Path):
    source = declared(url="sqlite:///some%20shop.db").within(tmp_path)
    assert source.address.database == str(tmp_path / "some shop.db")
    source = declared(tls="verify", tls_ca="ca.pem").within(tmp_path)
    assert source.tls_ca == str(tmp_path / "ca.pem")


def test_what_is_kept_is_only_what_was_asked_for(shop: Shop) -> None:
    shop.orders((1, "2026-01-01 10:00:00", "1"))
    shop.run("ALTER TABLE orders ADD password varchar(9)", "UPDATE orders SET password = 'secret'")
    sync = shop.sync({"keep": ["status"], "properties": {}})
    sync.run()
    [event] = sync.events.values()
    assert set(json.loads(event["raw"])) == {
        "id",
        "created_at",
        "updated_at",
        "total",
        "customer",
        "status",
    }
