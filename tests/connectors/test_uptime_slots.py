"""When uptime is checked: once in each slot, whoever does it."""

from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path

from analyticspro.connectors.uptime import STREAM, UptimeConnector
from analyticspro.events import WriteMode
from analyticspro.warehouse import Warehouse
from tests.connectors.pulse import NOW, OK, checked, serving, source
from tests.local import free_port


def test_a_check_is_made_once_in_each_slot():
    port = free_port()
    monitors = {
        "minute": {"tcp": f"127.0.0.1:{port}"},
        "quarter": {"tcp": f"127.0.0.1:{port}", "every": 15},
    }
    connector = UptimeConnector(source(monitors))
    cursor: str | None = None
    made: list[tuple[int, str]] = []
    for second in range(0, 75, 5):
        for page in connector.read(STREAM, cursor, now=NOW + timedelta(seconds=second)):
            cursor = page.cursor
            names = [json.loads(p)["monitor"] for p in page.batch.events["properties"]]
            made += [(second, name) for name in names]
    assert made == [
        (0, "minute"),
        (0, "quarter"),
        (10, "quarter"),
        (25, "quarter"),
        (40, "quarter"),
        (55, "minute"),
        (55, "quarter"),
        (70, "quarter"),
    ]


def test_two_schedulers_make_the_same_event_of_a_slot():
    monitors = {"web": {"tcp": f"127.0.0.1:{free_port()}"}}
    ids = []
    for second in (0, 52, 53):
        connector = UptimeConnector(source(monitors))
        [page] = connector.read(STREAM, None, now=NOW + timedelta(seconds=second))
        ids += page.batch.events["event_id"].to_list()
    assert ids == [
        "pulse:checks:web:2026-01-31T12%3A00%3A00Z",
        "pulse:checks:web:2026-01-31T12%3A00%3A00Z",
        "pulse:checks:web:2026-01-31T12%3A01%3A00Z",
    ]
    assert UptimeConnector(source(monitors)).streams() == {"checks": WriteMode.APPEND}


def test_a_slot_that_was_checked_twice_is_there_once(tmp_path: Path):
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    monitors = {"web": {"tcp": f"127.0.0.1:{free_port()}"}}
    new = []
    for second in (0, 1):
        connector = UptimeConnector(source(monitors))
        [page] = connector.read(STREAM, None, now=NOW + timedelta(seconds=second))
        events = warehouse.prepare("pulse", page.batch.events, WriteMode.APPEND)
        with warehouse.writer() as writer, writer.commit(NOW):
            stored = writer.store("pulse", STREAM, events, received_at=NOW, watermark=None)
        new.append((stored.new, stored.unchanged))
    warehouse.close()
    assert new == [(1, 0), (0, 1)]


def test_a_clock_that_is_put_back_does_not_end_the_checks():
    connector = UptimeConnector(source({"web": {"tcp": f"127.0.0.1:{free_port()}"}}))
    [page] = connector.read(STREAM, None, now=NOW)
    assert len(list(connector.read(STREAM, page.cursor, now=NOW - timedelta(days=1)))) == 1


def test_many_monitors_wait_beside_each_other():
    """One after the other, thirty of them would need nine seconds; the test has no clock."""
    together = threading.Barrier(30, timeout=5)

    def talk(client: socket.socket, _: threading.Event) -> None:
        together.wait()
        client.sendall(OK)

    with serving(talk) as port:
        url = f"http://127.0.0.1:{port}/"
        events = checked({f"m{n}": {"url": url, "timeout": 5} for n in range(30)})
    assert {event["name"] for event in events} == {"check_passed"}
