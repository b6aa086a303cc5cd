"""A range of the past is read once more: what is lacking comes in, nothing is doubled."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Source, parse
from analyticspro.errors import DefinitionError, Stopped
from analyticspro.ingest import Progress, Report, backfill, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.connectors.web import Get, Got, serving
from tests.ingest.shop import Shop
from tests.local import NoSecrets

JANUARY, FEBRUARY, MARCH = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3))
MAPPED = {"key": ["id"], "event": "order_placed", "occurred_at": "at"}


def ignored(step: Progress) -> None:
    pass


def filled(
    source: Source,
    warehouse: Warehouse,
    since: datetime = JANUARY,
    until: datetime = MARCH,
    progress: Callable[[Progress], None] = ignored,
) -> Report:
    secrets = NoSecrets()
    return backfill(source, warehouse, since=since, until=until, secrets=secrets, progress=progress)


def synced(source: Source, warehouse: Warehouse) -> Report:
    report = sync(source, warehouse, secrets=NoSecrets(), progress=ignored)
    assert report.error is None, report.error
    return report


def ids(warehouse: Warehouse) -> list[str]:
    with warehouse.reader(OWNER) as reader:
        found = reader.frame("SELECT event_id FROM events WHERE retired IS NULL ORDER BY seq")
    return [event.rpartition(":")[2] for event in found["event_id"]]


def cursor(warehouse: Warehouse, source: str, stream: str) -> str | None:
    with warehouse.writer() as writer:
        return writer.stream_cursor(source, stream)


class Till:
    """A till's database."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.run("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, changed TEXT)")

    def run(self, sql: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute(sql, values)
            connection.commit()

    def add(self, number: int, changed: object) -> None:
        self.run("INSERT INTO sales VALUES (?, '2024-01-10', ?)", number, changed)

    def source(self, updated_at: Any = "changed", **settings: Any) -> Source:
        stream = {"table": "sales", **MAPPED} | settings
        if updated_at is not None:
            stream |= {"updated_at": updated_at, "overlap": 0}
        url = f"sqlite:///{self.file}"
        table = {"name": "till", "connector": "sql", "url": url, "page_rows": 2}
        return parse(table | {"streams": {"sales": stream}}, "till")


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path / "till.db")


@pytest.mark.parametrize(
    ("updated_at", "written"),
    [
        ("changed", lambda at: at.isoformat(" ")),
        ("changed", lambda at: at.isoformat()),
        ({"column": "changed", "format": "epoch_s"}, lambda at: int(at.timestamp())),
        ({"column": "changed", "format": "%Y/%m/%d %H:%M"}, lambda at: f"{at:%Y/%m/%d %H:%M}"),
    ],
)
def test_rows_that_a_sync_has_missed_come_in(
    updated_at: Any, written: Callable[[datetime], object], till: Till, warehouse: Warehouse
):
    if not isinstance(written(JANUARY), str):
        till.run("DROP TABLE sales")
        till.run("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, changed INTEGER)")
    for number in range(1, 7):
        till.add(number, written(JANUARY + timedelta(days=20 * number)))
    source = till.source(updated_at)
    assert synced(source, warehouse).new == 6
    stands = cursor(warehouse, "till", "sales")
    till.add(70, written(JANUARY + timedelta(days=33)))  # stamped long before it was seen
    till.add(80, written(JANUARY - timedelta(days=33)))
    assert synced(source, warehouse).new == 0
    report = filled(source, warehouse)
    assert (report.error, report.new, report.notes) == (None, 1, [])
    assert report.records < 8, "not all of it was read"
    assert ids(warehouse)[-1] == "70"
    assert cursor(warehouse, "till", "sales") == stands, "syncs go on where they were"
    assert filled(source, warehouse).new == 0


def test_one_that_was_broken_off_goes_on(till: Till, warehouse: Warehouse):
    for number in range(1, 8):
        till.add(number, (JANUARY + timedelta(days=number)).isoformat())

    def stop(step: Progress) -> None:
        if step.done >= 4:
            raise Stopped("Enough.")

    broken = filled(till.source(), warehouse, progress=stop)
    assert (broken.new, broken.error and broken.error["code"]) == (4, "stopped")
    done: list[int] = []
    rest = filled(till.source(), warehouse, progress=lambda step: done.append(step.done))
    assert (rest.new, rest.records, rest.error) == (3, 3, None)
    assert done == [6, 7]
    assert "4 records had been read" in rest.notes[0]
    assert ids(warehouse) == [str(number) for number in range(1, 8)]
    always = datetime(1, 1, 1, tzinfo=UTC)
    assert filled(till.source(), warehouse, always).records == 7
    assert filled(till.source(), warehouse).records == 7, "it is done, so it begins anew"
    other = filled(till.source(), warehouse, JANUARY, FEBRUARY)
    assert other.notes == []
    kinds = warehouse.syncs.history("till", limit=9)["kind"]
    assert set(kinds) == {"backfill"}


def test_a_table_without_a_time_is_read_whole_and_says_so(till: Till, warehouse: Warehouse):
    for number in (1, 2, 3):
        till.add(number, "")
    grows = till.source(None)
    synced(grows, warehouse)
    report = filled(grows, warehouse)
    assert (report.error, report.records, report.unchanged) == (None, 3, 3)
    assert report.notes == ["No time orders the rows of sales (updated_at): all of them were read."]
    whole = till.source(None, mode="replace")
    till.run("DELETE FROM sales WHERE id = 2")
    assert filled(whole, warehouse).retracted == 0, "only a sync tells what vanished"
    assert len(ids(warehouse)) == 3


class Api:
    """A list of deals that can be asked for what was changed since, and before."""

    def __init__(self) -> None:
        self.deals = [
            {"id": n, "at": (JANUARY + timedelta(days=10 * n)).isoformat()} for n in range(9)
        ]
        self.asked: list[dict[str, str]] = []

    def answer(self, get: Get) -> Got:
        self.asked.append(dict(get.parameters))
        low, high = (get.parameters.get(name, edge) for name, edge in (("from", ""), ("to", "9")))
        found = [deal for deal in self.deals if low[:10] <= deal["at"][:10] < high[:10]]  # type: ignore[index]
        start = int(get.parameters.get("offset", 0))
        return Got({"data": found[start : start + 2], "total": len(found)})


def crm(url: str, **cursor: Any) -> Source:
    paging = {"by": "offset", "parameter": "offset", "total": "total"}
    stream = {"path": "deals", "records": "data", "paging": paging, **MAPPED}
    if cursor:
        stream["cursor"] = {"field": "at", **cursor}
    return parse(
        {"name": "crm", "connector": "rest", "url": url, "streams": {"deals": stream}}, "c"
    )


def test_an_api_is_asked_for_the_range(warehouse: Warehouse):
    api = Api()
    with serving(api.answer) as url:
        source = crm(url, parameter="from", until="to", lookback=0)
        report = filled(source, warehouse, FEBRUARY, MARCH)
        assert (report.error, report.notes) == (None, [])
        assert ids(warehouse) == ["4", "5"]
        edges = {name: api.asked[0][name] for name in ("from", "to")}
        assert edges == {"from": "2024-02-01T00:00:00Z", "to": "2024-03-01T00:00:00Z"}
        assert synced(source, warehouse).new == 7, "syncs begin where they would have"
        open_ended = crm(url, parameter="from", lookback=0)
        report = filled(open_ended, warehouse, FEBRUARY, MARCH)
        assert (report.records >= 5, report.new) == (True, 0)
        assert "name its parameter: cursor.until" in report.notes[0]
        whole = filled(crm(url), warehouse, FEBRUARY, MARCH)
        assert (whole.new, "all of it was read" in whole.notes[0]) == (0, True)
        counted = filled(crm(url, parameter="from", format="number"), warehouse)
        assert "no range of time" in str(counted.error)


def test_files_are_read_whole_and_say_so(shop: Shop):
    shop.write("1,2011-11-05,Ann,1.00")
    shop.sync()
    report = filled(shop.declared(), shop.warehouse)
    assert (report.error, report.records, report.new) == (None, 1, 0)
    assert "Files are always read whole" in report.notes[-1]


def test_what_cannot_be_asked_for_the_past_says_so(warehouse: Warehouse, tmp_path: Path):
    (tmp_path / "access.log").write_text("")
    logs = parse({"name": "web", "connector": "logs", "path": str(tmp_path / "access.log")}, "web")
    with pytest.raises(DefinitionError, match=r"'logs', only reads on"):
        filled(logs, warehouse)


def test_a_range_is_of_the_past(till: Till, warehouse: Warehouse):
    for since, until in ((MARCH, JANUARY), (JANUARY, datetime(2999, 1, 1, tzinfo=UTC))):
        with pytest.raises(DefinitionError, match="not in the future"):
            filled(till.source(), warehouse, since, until)
