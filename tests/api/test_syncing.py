"""A sync reports as it goes, ends with who asked for it, and lets others ask meanwhile."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyticspro.config import Home
from tests.api.server import Server, serving

BATCH = 50_000
ROWS = 3 * BATCH + 17
WAIT_S = 60


def written(file: Path, rows: int) -> Path:
    """Write a file of orders of one unit, one minute apart."""
    with file.open("w") as out:
        out.write("id,at,quantity,country\n")
        for row in range(rows):
            out.write(f"{row},2024-01-{row % 28 + 1:02d} 10:{row % 60:02d},1,France\n")
    return file


def source(file: Path, **more: object) -> dict[str, Any]:
    return {
        "name": "till",
        "path": str(file),
        "event": "order_placed",
        "occurred_at": "at",
        "key": ["id"],
        "properties": {
            "order_id": "id",
            "quantity": {"column": "quantity", "type": "integer"},
            "country": "country",
        },
        **more,
    }


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("files") / "large.csv", ROWS)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with serving(Home(tmp_path / "home").prepare()) as running:
        yield running


class Stream:
    """The answer to a sync, message by message."""

    def __init__(self, server: Server, *sources: dict[str, Any]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
        headers = {
            "Authorization": f"Bearer {server.home.token()}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"sources": list(sources)}).encode()
        self._connection.request("POST", "/v1/sync", body, headers)
        self.response = self._connection.getresponse()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for line in self.response:
            if line.strip():
                yield json.loads(line)

    def go_away(self) -> None:
        self.response.close()
        self._connection.close()


def messages(server: Server, *sources: dict[str, Any]) -> list[dict[str, Any]]:
    """Sync to the end, and return all that was said."""
    stream = Stream(server, *sources)
    try:
        return list(stream)
    finally:
        stream.go_away()


def stored(server: Server) -> int:
    return int(server.query("events").json["rows"][0]["events"])


def settled(server: Server) -> int:
    """Return how many events are stored once no more are coming."""
    deadline = time.monotonic() + WAIT_S
    while True:
        before = stored(server)
        sources = server.call("GET", "/v1/sources").json["sources"]
        if sources:  # written when the sync has ended, however it did
            return stored(server)
        assert time.monotonic() < deadline, before
        time.sleep(0.2)


def test_progress_then_reports(fresh: Server, large: Path):
    stream = Stream(fresh, source(large))
    assert stream.response.status == 200
    assert stream.response.headers["content-type"].startswith("application/x-ndjson")
    *steps, last = stream
    stream.go_away()
    assert len(steps) == 4
    done = [step["progress"]["done"] for step in steps]
    assert done == sorted(done)
    total = large.stat().st_size
    assert {step["progress"]["total"] for step in steps} == {total}
    assert done[-1] == total
    [report] = last["reports"]
    assert (report["source"], report["new"], report["error"]) == ("till", ROWS, None)
    assert stored(fresh) == ROWS
    [again] = messages(fresh, source(large))
    assert again["reports"][0]["new"] == again["reports"][0]["read"] == 0


def test_when_who_asked_goes_away_the_sync_ends_and_keeps_what_it_committed(
    fresh: Server, large: Path
):
    stream = Stream(fresh, source(large))
    next(iter(stream))
    stream.go_away()
    kept = settled(fresh)
    assert 0 < kept < ROWS
    assert kept % BATCH == 0
    [state] = fresh.call("GET", "/v1/sources").json["sources"]
    assert "gone" in state["last_sync"]["error"]["message"]
    *_, last = messages(fresh, source(large))
    [report] = last["reports"]
    assert (report["new"], report["unchanged"]) == (ROWS - kept, kept)
    assert stored(fresh) == ROWS


def test_questions_during_a_sync_see_whole_batches_only(fresh: Server, large: Path):
    """And all questions of one call see the same moment."""
    asked: list[tuple[int, int, int]] = []
    done = threading.Event()

    def ask() -> None:
        questions = {"queries": [{"metrics": [m]} for m in ("events", "orders", "units")]}
        while not done.is_set():
            answers = fresh.call("POST", "/v1/queries", questions).json["answers"]
            revisions = {answer["provenance"]["revision"] for answer in answers}
            rows = {answer["provenance"]["rows_read"] for answer in answers}
            assert len(revisions) == len(rows) == 1
            asked.append((revisions.pop(), rows.pop(), threading.get_ident()))
            done.wait(0.1)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    *_, last = messages(fresh, source(large))
    done.set()
    for asker in askers:
        asker.join()
    assert last["reports"][0]["new"] == ROWS
    assert all(rows % BATCH == 0 or rows == ROWS for _, rows, _ in asked)
    assert len({rows for _, rows, _ in asked}) > 2  # some were answered in the midst of it
    for who in {who for _, _, who in asked}:
        mine = [(revision, rows) for revision, rows, asker in asked if asker == who]
        assert mine == sorted(mine)  # nobody sees time run backwards


def test_two_syncs_at_once_both_end_well(fresh: Server, large: Path, tmp_path: Path):
    other = source(written(tmp_path / "other.csv", 1000), name="other")
    first, second = Stream(fresh, source(large)), Stream(fresh, other)
    *_, from_second = second
    *_, from_first = first
    first.go_away()
    second.go_away()
    assert from_first["reports"][0]["new"] == ROWS
    assert from_second["reports"][0]["new"] == 1000
    assert stored(fresh) == ROWS + 1000


def test_an_error_of_one_source_stands_in_its_report_and_spares_the_others(
    fresh: Server, tmp_path: Path
):
    good = source(written(tmp_path / "good.csv", 10), name="good")
    missing = source(tmp_path / "missing.csv", name="missing")
    *_, last = messages(fresh, missing, good)
    broken, whole = last["reports"]
    assert broken["error"]["code"] == "source"
    assert "missing.csv" in broken["error"]["message"]
    assert (whole["new"], whole["error"]) == (10, None)


def test_the_home_s_own_sources_are_synced_if_none_are_named(fresh: Server, tmp_path: Path):
    written(fresh.home.path / "orders.csv", 5)
    fresh.home.sources_file.write_text(
        """
        [sources.till]
        path = "orders.csv"
        event = "order_placed"
        occurred_at = "at"
        """
    )
    reply = fresh.call("POST", "/v1/sync", {})
    last = json.loads(reply.body.splitlines()[-1])
    assert last["reports"][0]["new"] == 5


def test_demo_data_and_real_data_are_never_mixed(fresh: Server, tmp_path: Path):
    reply = fresh.call("POST", "/v1/demo", {"events": 1000})
    *_, last = [json.loads(line) for line in reply.body.splitlines()]
    assert last["reports"][0]["source"] == "demo"
    assert fresh.call("GET", "/v1/workspace").json["demo"] is True
    assert fresh.query("orders").json["provenance"]["demo"] is True
    *_, refused = messages(fresh, source(written(tmp_path / "real.csv", 10)))
    assert refused["error"]["code"] == "definition"
    assert "demo" in refused["error"]["message"]


def test_real_data_is_never_covered_with_demo_data(fresh: Server, tmp_path: Path):
    *_, last = messages(fresh, source(written(tmp_path / "real.csv", 10)))
    assert last["reports"][0]["new"] == 10
    reply = fresh.call("POST", "/v1/demo", {"events": 1000})
    [refused] = [json.loads(line) for line in reply.body.splitlines()]
    assert refused["error"]["code"] == "definition"
    assert fresh.call("GET", "/v1/workspace").json["demo"] is False
    assert stored(fresh) == 10
