"""The source's own count stands beside ours, and what they differ by is explained."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.connectors import parse
from analyticspro.errors import SettingError
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject
from analyticspro.workspace import Workspace
from tests.connectors.web import Get, Got, serving
from tests.local import NoSecrets

MAPPED: dict[str, Any] = {"key": ["id"], "event": "order_placed", "occurred_at": "at"}


@pytest.fixture
def workspace(home: Home) -> Iterator[Workspace]:
    with Workspace.open(home) as opened:
        yield opened


def sync(workspace: Workspace, **table: Any) -> None:
    [report] = workspace.sync([parse({"name": "shop", **table}, "shop")], progress=lambda _: None)
    assert report.error is None, report.error


def told(workspace: Workspace, *, ask: bool = False) -> tuple[Any, ...]:
    [row] = workspace.ledger(OWNER, ask=ask)
    return row["live"], row["theirs"], row["difference"], row["explained"]


def test_a_file_had_so_many_records(workspace: Workspace):
    first, second = workspace.home.path / "a.csv", workspace.home.path / "b.csv"
    first.write_text("id,at\n1,2024-01-01\n2,2024-01-02\n3,soon\n")
    sync(workspace, path=str(workspace.home.path / "*.csv"), **MAPPED)
    assert told(workspace) == (2, 3, 1, "1 set aside")
    second.write_text("id,at\n2,2024-01-02\n")
    sync(workspace, path=str(workspace.home.path / "*.csv"), **MAPPED)
    rows = {row["part"]: row for row in workspace.ledger(OWNER)}
    assert rows["b.csv"]["explained"] is None
    assert (rows["a.csv"]["live"], rows["a.csv"]["difference"]) == (1, 2)
    assert rows["a.csv"]["explained"] == (
        "1 set aside; 1 under a key that stands elsewhere too: they count once"
    )


def test_a_database_is_asked(workspace: Workspace):
    file = workspace.home.path / "till.db"

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    run("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, who TEXT)")
    run(*(f"INSERT INTO sales VALUES ({n}, '2024-01-0{n}', 'c{n}')" for n in range(1, 6)))
    stream = {"table": "sales", "customer_id": "who", **MAPPED}
    table = {"connector": "sql", "url": f"sqlite:///{file}", "streams": {"sales": stream}}
    sync(workspace, **table)
    assert told(workspace) == (5, None, None, None), "nobody was asked"
    assert told(workspace, ask=True) == (5, 5, 0, None)
    run("INSERT INTO sales VALUES (6, '2024-01-06', 'c6'), (7, 'soon', 'c7')")
    live, theirs, difference, why = told(workspace, ask=True)
    assert (live, theirs, difference) == (5, 7, 2)
    assert why.startswith("2 not here: sync")
    sync(workspace, **table)
    assert told(workspace, ask=True) == (6, 7, 1, "1 set aside")
    workspace.keeping.erase(
        Subject(("c1",), ()),
        by="ann",
        reason=None,
        now=clock.now(),
        progress=lambda done, total: None,
    )
    assert told(workspace, ask=True) == (5, 7, 2, "1 set aside; 1 erased or deleted here")
    run("DELETE FROM sales WHERE id IN (2, 3, 4)")
    live, theirs, difference, why = told(workspace, ask=True)
    assert (live, theirs, difference) == (5, 4, -1)
    assert why == "1 gone at the source, which only a stream that is read whole notices"
    file.unlink()
    live, theirs, difference, why = told(workspace, ask=True)
    assert (live, theirs) == (5, None)
    assert why.startswith("not known: ")


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({"count": "meta.all"}, 3),
        ({"paging": {"by": "offset", "parameter": "offset", "total": "meta.all"}}, 3),
        ({}, None),
    ],
)
def test_an_api_is_asked_if_it_says_so(
    settings: dict[str, Any], theirs: int | None, workspace: Workspace
):
    asked: list[Get] = []

    def answer(get: Get) -> Got:
        asked.append(get)
        start = int(get.parameters.get("offset", 0))
        deals = [{"id": n, "at": f"2024-01-0{n + 1}"} for n in range(3)]
        return Got({"data": deals[start:], "meta": {"all": 3}})

    cursor = {"field": "at", "parameter": "since"}
    stream = {"path": "deals", "records": "data", "cursor": cursor, **MAPPED, **settings}
    with serving(answer) as url:
        sync(workspace, connector="rest", url=url, streams={"deals": stream})
        before = len(asked)
        assert told(workspace, ask=True)[:2] == (3, theirs)
        assert len(asked) - before == (0 if theirs is None else 1)
        assert all("since" not in get.parameters for get in asked[before:])


def test_a_count_that_is_none_says_so(workspace: Workspace):
    stream = {"path": "deals", "records": "data", "count": "data", **MAPPED}
    with serving(lambda get: Got({"data": []})) as url:
        sync(workspace, connector="rest", url=url, streams={"deals": stream})
        found = workspace.operation.counted(NoSecrets())  # type: ignore[arg-type]
    assert "no whole number at 'data'" in str(found["shop", "deals"])
    lines = {name: value for name, value in stream.items() if name != "records"}
    table = {"name": "a", "connector": "rest", "url": url}
    with pytest.raises(SettingError, match="count is a field of a document"):
        parse(table | {"streams": {"deals": lines | {"format": "ndjson"}}}, "a")
