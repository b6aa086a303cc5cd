"""State databases of each kind, made once and emptied."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from analyticspro.state import State
from analyticspro.state.models import Tables

__all__ = ["fresh_address", "make_fresh", "state"]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def make_fresh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], str]:
    """Makes a state database that holds nothing; of SQLite, in the folder it is given."""
    if request.param == "sqlite":
        template = tmp_path_factory.mktemp("template") / "state.db"
        State.open(template).close()

        def copied(folder: Path) -> str:
            shutil.copy(template, folder / "state.db")
            return str(folder / "state.db")

        return copied
    address = request.getfixturevalue("postgresql").database()
    State.open(address).close()

    def emptied(_folder: Path) -> str:
        with State.open(address) as state, state.writing() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("ALTER TABLE audit_entries ENABLE TRIGGER USER"))
            names = ", ".join(table.name for table in Tables.metadata.sorted_tables)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            connection.execute(text("INSERT INTO audit_head VALUES (1, 0, '')"))
        return str(address)

    return emptied


@pytest.fixture
def fresh_address(make_fresh: Callable[[Path], str], tmp_path: Path) -> str:
    """Where a state database is that holds nothing yet."""
    return make_fresh(tmp_path)


@pytest.fixture
def state(fresh_address: str) -> Iterator[State]:
    """A state database that holds nothing yet."""
    with State.open(fresh_address) as opened:
        yield opened
