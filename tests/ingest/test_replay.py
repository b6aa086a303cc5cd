"""Records that were set aside come in once their mapping is corrected, and are not doubled."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Source, parse
from analyticspro.ingest import Report, replay, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.ingest.shop import Shop
from tests.local import NoSecrets

ROWS = [(1, "2024-01-10", "1,50"), (2, "2024-01-11", "2.00"), (3, "soon", "3,00")]
PLAIN = {"amount": "paid", "currency": "GBP"}
COMMAS: dict[str, Any] = PLAIN | {"decimal": ","}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A till's database that writes some amounts with a decimal comma, and one bad date."""
    file = tmp_path / "till.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, paid TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", ROWS)
        connection.commit()
    return file


def till(file: Path, **changes: Any) -> Source:
    stream = {"table": "sales", "key": ["id"], "event": "order_placed", "occurred_at": "at"}
    url = f"sqlite:///{file}"
    table = {"name": "till", "connector": "sql", "url": url, "streams": {"sales": stream | changes}}
    return parse(table, "till")


def done(act: Any, source: Source, warehouse: Warehouse) -> Report:
    report: Report = act(source, warehouse, secrets=NoSecrets(), progress=lambda _: None)
    assert report.error is None, report.error
    return report


def amounts(warehouse: Warehouse) -> list[int]:
    with warehouse.reader(OWNER) as reader:
        sql = "SELECT amount_minor FROM events WHERE retired IS NULL ORDER BY event_id"
        return reader.frame(sql)["amount_minor"].to_list()


def aside(warehouse: Warehouse) -> list[str]:
    with warehouse.reader(OWNER) as reader:
        return sorted(reader.rejects("till", limit=10)["reason"])


def test_what_a_corrected_mapping_can_read_comes_in(database: Path, warehouse: Warehouse):
    first = done(sync, till(database, **PLAIN), warehouse)
    assert (first.new, first.rejected) == (1, 2)
    again = done(replay, till(database, **COMMAS), warehouse)
    assert (again.records, again.new, again.rejected) == (2, 1, 1)
    assert amounts(warehouse) == [150, 200]
    [reason] = aside(warehouse)
    assert "soon" in reason or "time" in reason


def test_a_replay_that_mends_nothing_changes_nothing(database: Path, warehouse: Warehouse):
    done(sync, till(database, **PLAIN), warehouse)
    before = aside(warehouse)
    for _ in range(2):
        again = done(replay, till(database, **PLAIN), warehouse)
        assert (again.records, again.new, again.rejected) == (2, 0, 2)
    assert aside(warehouse) == before


def test_the_ledger_still_adds_up(database: Path, warehouse: Warehouse):
    done(sync, till(database, **PLAIN), warehouse)
    done(replay, till(database, **COMMAS), warehouse)
    with warehouse.reader(OWNER) as reader:
        [row] = reader.ledger().to_dicts()
    counts = {name: value for name, value in row.items() if value and isinstance(value, int)}
    assert counts == {"seen": 3, "new": 2, "rejected": 1, "live": 2, "late": 1}


def test_a_stream_that_is_gone_is_named(database: Path, warehouse: Warehouse):
    done(sync, till(database, **PLAIN), warehouse)
    renamed = till(database, **PLAIN).to_json()
    renamed["streams"] = {"takings": renamed["streams"]["sales"]}
    report = replay(parse(renamed, "till"), warehouse, secrets=NoSecrets(), progress=lambda _: None)
    assert report.error
    assert "sales" in report.error["message"]
    assert len(aside(warehouse)) == 2, "they are still there"


def test_files_are_read_again(shop: Shop):
    shop.write("1,2011-11-05,Ann,1.00", '2,2011-11-06,Bob,"2,00"')
    shop.sync()
    report = replay(
        shop.declared(decimal=","), shop.warehouse, secrets=NoSecrets(), progress=lambda _: None
    )
    assert report.error is None
    assert shop.live("customer_id") == ["Bob"]
