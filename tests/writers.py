"""A process that is killed: four threads store events, beside a sync of files.

It is started with a folder and the number of the round. What a thread stored it says on a
line of its own once it is committed, "thread number".
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from analyticspro.connectors import Source, parse
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.ingest import sync
from analyticspro.warehouse import Warehouse
from tests.local import NoSecrets

__all__ = ["THREADS", "files", "names", "opened"]

THREADS = 4
NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)


def opened(folder: Path) -> Warehouse:
    """Return the warehouse of `folder`."""
    return Warehouse.open(folder / "w.duckdb", backups=folder, wait_for_s=60)


def files(folder: Path) -> Source:
    """Return the source of the files of `folder`."""
    return parse(
        {"name": "shop", "path": str(folder / "*.csv"), "event": "order_placed",
         "occurred_at": "at", "customer_id": "who"},
        "shop",
    )  # fmt: skip


def names(turn: int, thread: int, number: int) -> list[str]:
    """Return the ids of one commit: five that are new, and repeats of all kinds."""
    own = [f"{turn}-{thread}-{number}-{row}" for row in range(5)]
    before = [f"{turn}-{thread}-{number - 1}-{row}" for row in range(3)] if number else []
    last_turn = [f"{turn - 1}-{thread}-{number}-0"] if turn else []
    return [*own, *before, own[0], f"{turn}-all-{number}", *last_turn]


def _write(warehouse: Warehouse, turn: int, thread: int) -> None:
    row = {"name": "order_placed", "occurred_at": NOW, "properties": "{}"}
    for number in range(1_000_000):
        rows = [row | {"event_id": name} for name in names(turn, thread, number)]
        frame = pl.DataFrame(rows, schema=SCHEMA)
        prepared = warehouse.prepare("site", frame, WriteMode.APPEND)
        with warehouse.writer() as writer, writer.commit(NOW):
            writer.store("site", "web", prepared, received_at=NOW, watermark=None)
        os.write(1, f"{thread} {number}\n".encode())


def _sync(warehouse: Warehouse, folder: Path) -> None:
    while True:
        sync(files(folder), warehouse, secrets=NoSecrets(), progress=lambda step: None)
        warehouse.compact()


def main(folder: Path, turn: int) -> None:
    """Work until killed."""
    warehouse = opened(folder)
    os.write(1, b"open\n")
    work = [threading.Thread(target=_write, args=(warehouse, turn, n)) for n in range(THREADS)]
    work.append(threading.Thread(target=_sync, args=(warehouse, folder)))
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
