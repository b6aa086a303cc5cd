"""A database to read from, the same on every kind; and what a sync of it finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pymysql

from analyticspro.connectors import Page, parse
from analyticspro.connectors.sql import SqlConnector
from analyticspro.connectors.sql_source import SqlSource
from tests.servers import mariadb, postgresql

NOW = datetime(2026, 3, 1, tzinfo=UTC)

ORDERS = """
    CREATE TABLE orders (
        id integer PRIMARY KEY,
        created_at {instant} NOT NULL,
        updated_at {instant} NOT NULL,
        total numeric(12, 2) NOT NULL,
        customer varchar(40),
        status varchar(20) NOT NULL DEFAULT 'open'
    )"""
STREAM: dict[str, Any] = {
    "table": "orders",
    "updated_at": "updated_at",
    "overlap": 0,
    "key": ["id"],
    "event": "order_placed",
    "occurred_at": "created_at",
    "customer_id": "customer",
    "amount": "total",
    "currency": "GBP",
    "properties": {"status": "status"},
}


class Passwords:
    """Secrets of one source."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def get(self, source: str, name: str) -> str:
        """Return the secret."""
        return self.known[name]


@dataclass
class Shop:
    """An empty database, with a table for orders.

    Attributes:
        url: Without the password.
        instant: The type of a column that holds instants, in microseconds.
        connect: Makes a connection that may write.
    """

    kind: str
    url: str
    password: str
    instant: str
    connect: Callable[[], Any]
    name: str

    def run(self, *statements: str) -> None:
        """Run statements, and commit."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def orders(self, *rows: tuple[int, str, str]) -> None:
        """Add a table of orders: id, when it was updated, total."""
        self.run(ORDERS.format(instant=self.instant), *(add(*row) for row in rows))

    def connector(self, stream: dict[str, Any] | None = None, **changes: Any) -> SqlConnector:
        """Return a connector with one stream, orders; None takes a setting of it away."""
        declared = {k: v for k, v in (STREAM | (stream or {})).items() if v is not None}
        table: dict[str, Any] = {"name": "shop", "connector": "sql", "url": self.url}
        if self.password:
            table["password"] = "database"
        source = parse(table | {"streams": {"orders": declared}} | changes, "sources.toml")
        assert isinstance(source, SqlSource)
        return SqlConnector(source, Passwords(database=self.password))

    def sync(self, stream: dict[str, Any] | None = None, **changes: Any) -> Sync:
        """Return a sync that has not begun."""
        return Sync(self.connector(stream, **changes))


def add(number: int, updated_at: str, total: str, customer: str = "ann") -> str:
    """Return the statement that adds an order."""
    return (
        "INSERT INTO orders (id, created_at, updated_at, total, customer) VALUES "
        f"({number}, '2026-01-01 00:00:00', '{updated_at}', {total}, '{customer}')"
    )


@dataclass
class Sync:
    """What was read: events by their id, the last one of each; as ingest would keep them."""

    connector: SqlConnector
    cursor: str | None = None
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)  # ids in the order they were read, this time

    def pages(self, now: datetime = NOW) -> Iterator[Page]:
        """Yield pages, each one stored."""
        self.read = []
        seen: set[str] = set()
        for page in self.connector.read("orders", self.cursor, now=now):
            self._store(page, seen)
            yield page

    def run(self, now: datetime = NOW, pages: int | None = None) -> list[str]:
        """Sync to the end, or stop as if killed after some pages; return the ids read."""
        with closing(self.pages(now)) as found:  # type: ignore[type-var]
            for number, _ in enumerate(found, 1):
                if number == pages:
                    break
        return self.read

    def totals(self) -> dict[str, int]:
        """Return what each order that is known paid, in pence."""
        return {number: event["amount_minor"] for number, event in self.events.items()}

    def _store(self, page: Page, seen: set[str]) -> None:
        for event in page.batch.events.to_dicts():
            number = event["event_id"].removeprefix("shop:orders:")
            self.events[number] = event
            self.read.append(number)
            seen.add(number)
        self.rejects += page.batch.rejects.to_dicts()
        self.cursor = page.cursor
        if page.complete:
            self.events = {number: self.events[number] for number in seen}


def postgres_shop(server: postgresql.Server) -> Shop:
    """Return a database of PostgreSQL."""
    address = server.database()
    parts = urlsplit(address)
    return Shop(
        "postgresql",
        address.replace(f":{parts.password}@", "@"),
        parts.password or "",
        "timestamp",
        lambda: psycopg.connect(address),
        parts.path[1:],
    )


def maria_shop(server: mariadb.Server) -> Shop:
    """Return a database of MariaDB."""
    address = server.database()
    parts = urlsplit(address)

    def connect() -> Any:
        return pymysql.connect(
            host=parts.hostname or "",
            port=parts.port or 0,
            user=parts.username,
            password=parts.password or "",
            database=parts.path[1:],
            charset="utf8mb4",
        )

    return Shop(
        "mariadb",
        address.replace(f":{parts.password}@", "@").replace("mysql", "mariadb", 1),
        parts.password or "",
        "datetime(6)",
        connect,
        parts.path[1:],
    )


def sqlite_shop(file: Path) -> Shop:
    """Return a database of SQLite."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(file, timeout=0)

    file.touch()  # which is an empty database

    return Shop("sqlite", f"sqlite:///{quote(str(file))}", "", "text", connect, str(file))
