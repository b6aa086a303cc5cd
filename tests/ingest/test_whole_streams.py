"""A stream that is read whole each time retracts what its source no longer has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from analyticspro.connectors import Source, parse
from analyticspro.ingest import Report, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.local import NoSecrets


@pytest.fixture
def partners(tmp_path: Path) -> sqlite3.Connection:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute("CREATE TABLE partners (id INTEGER PRIMARY KEY, at TEXT, name TEXT)")
        rows = [(n, "2024-01-10", f"partner {n}") for n in range(250)]
        connection.executemany("INSERT INTO partners VALUES (?, ?, ?)", rows)
        connection.commit()
        yield connection


def crm(folder: Path) -> Source:
    stream = {
        "table": "partners",
        "key": ["id"],
        "mode": "replace",
        "event": "partner_listed",
        "occurred_at": "at",
        "properties": {"name": "name"},
    }
    return parse(
        {
            "name": "crm",
            "connector": "sql",
            "url": f"sqlite:///{folder / 'crm.db'}",
            "page_rows": 100,
            "streams": {"partners": stream},
        },
        "crm",
    )


def synced(folder: Path, warehouse: Warehouse) -> Report:
    report = sync(crm(folder), warehouse, secrets=NoSecrets(), progress=lambda _: None)
    assert report.error is None, report.error
    return report


def live(warehouse: Warehouse) -> int:
    with warehouse.reader(OWNER) as reader:
        return reader.frame("SELECT event_id FROM events WHERE retired IS NULL").height


def test_rows_that_vanished_or_changed_are_seen(
    partners: sqlite3.Connection, tmp_path: Path, warehouse: Warehouse
):
    assert synced(tmp_path, warehouse).new == 250
    partners.execute("DELETE FROM partners WHERE id IN (0, 120, 249)")
    partners.execute("UPDATE partners SET name = 'renamed' WHERE id = 7")
    partners.commit()
    report = synced(tmp_path, warehouse)
    assert (report.new, report.changed, report.retracted) == (0, 1, 3)
    assert live(warehouse) == 247
    assert synced(tmp_path, warehouse).retracted == 0


def test_a_row_that_comes_back_counts_again(
    partners: sqlite3.Connection, tmp_path: Path, warehouse: Warehouse
):
    synced(tmp_path, warehouse)
    partners.execute("DELETE FROM partners WHERE id = 5")
    partners.commit()
    synced(tmp_path, warehouse)
    partners.execute("INSERT INTO partners VALUES (5, '2024-01-10', 'partner 5')")
    partners.commit()
    assert synced(tmp_path, warehouse).new == 1
    assert live(warehouse) == 250


def test_a_table_that_was_emptied_retracts_all(
    partners: sqlite3.Connection, tmp_path: Path, warehouse: Warehouse
):
    synced(tmp_path, warehouse)
    partners.execute("DELETE FROM partners")
    partners.commit()
    assert synced(tmp_path, warehouse).retracted == 250
    assert live(warehouse) == 0
