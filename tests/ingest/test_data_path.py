"""Whatever happens in whatever order, the warehouse says what a naive walk over it says.

`Machine` (machine.py) does to a warehouse what the world does: files change, streams grow, events
are pushed, syncs break off, commits fail, what was set aside is replayed, persons are erased,
months archived, rollups brought up to date, the process ends in order or not. It tells a model
in plain Python (tests/warehouse/plain.py) the same, and after each step compares the two
(agreement.py).
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from analyticspro.warehouse import Warehouse
from tests.ingest.machine import Machine


@pytest.fixture(scope="module", autouse=True)
def _an_empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> None:
    Machine.empty = tmp_path_factory.mktemp("empty") / "w.duckdb"
    Warehouse.open(Machine.empty, backups=Machine.empty.parent).close()


class Short(Machine):
    """Looks now and then, and at the end: what went wrong stays so."""

    looks_every = 10
    most_erased = 2


class TestTheDataPath(Short.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=6, stateful_step_count=40)


@pytest.mark.soak
class TestTheDataPathAtLength(Machine.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=60, stateful_step_count=50)
