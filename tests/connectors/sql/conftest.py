"""Real databases: PostgreSQL, MariaDB and SQLite, an empty one for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors.sql.servers import maria_server, postgres_server
from tests.connectors.sql.shop import Shop, maria_shop, postgres_shop, sqlite_shop
from tests.servers import mariadb, postgresql

KINDS = ["postgresql", "mariadb", "sqlite"]


@pytest.fixture(scope="session")
def postgres() -> postgresql.Server:
    """A PostgreSQL server. Leave it running."""
    return postgres_server()


@pytest.fixture(scope="session")
def maria() -> mariadb.Server:
    """A MariaDB server. Leave it running."""
    return maria_server()


@pytest.fixture(scope="session")
def postgres_database(postgres: postgresql.Server) -> Shop:
    """One database for all tests: to make one takes longer than most of them."""
    return postgres_shop(postgres)


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """An empty database of each kind."""
    if request.param == "postgresql":
        shop: Shop = request.getfixturevalue("postgres_database")
        shop.run(
            "DROP SCHEMA IF EXISTS sales CASCADE",
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )
        return shop
    if request.param == "mariadb":
        return maria_shop(request.getfixturevalue("maria"))
    return sqlite_shop(tmp_path / "shop.sqlite")


def only(*kinds: str) -> pytest.MarkDecorator:
    """Run a test on these kinds of databases."""
    return pytest.mark.parametrize("shop", kinds, indirect=True)


# Several transactions at once, accounts and rights: what a file has none of.
servers_only = only(*KINDS[:2])
