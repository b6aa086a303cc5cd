"""A state database of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from analyticspro.state import State
from analyticspro.state.models import Tables

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new state database may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "state.db")
    return request.getfixturevalue("postgresql").database()


@pytest.fixture(scope="session", params=KINDS)
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[State]:
    if request.param == "sqlite":
        address = str(tmp_path_factory.mktemp("state") / "state.db")
    else:
        address = request.getfixturevalue("postgresql").database()
    with State.open(address) as state:
        yield state


@pytest.fixture
def state(opened: State) -> State:
    """An empty state database."""
    with opened.writing() as connection:
        for table in reversed(Tables.metadata.sorted_tables):
            connection.execute(table.delete())
        others = set(inspect(connection).get_table_names()) - set(Tables.metadata.tables)
        for name in others - {"alembic_version"}:
            connection.execute(text(f"DROP TABLE {name}"))
    return opened
