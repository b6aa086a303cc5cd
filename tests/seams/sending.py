"""Events for the suites, and processes that send them until they are killed.

Started with `store` or `bus`, the name of an implementation, a folder and a number. What was
confirmed it says on a line of its own, the number of the commit or of the delivery.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.ingest.bus import Bus
from analyticspro.ingest.deliveries import Delivery, Taken
from analyticspro.ingest.event_store import EventStore
from analyticspro.policy import OWNER

__all__ = ["AT", "EACH", "commit", "confirmed", "delivery", "frame", "rows", "submitted"]

AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
EACH = 5  # events in a commit, or a delivery
ENOUGH = 12
_MICROSECONDS = int(AT.timestamp() * 1_000_000)


def frame(*ids: str, at: datetime = AT, version: int | None = None) -> pl.DataFrame:
    row = {"name": "order_placed", "occurred_at": at, "properties": "{}", "version": version}
    return pl.DataFrame([row | {"event_id": each} for each in ids], schema=SCHEMA)


def commit(store: EventStore, number: int, at: datetime = AT) -> int:
    """Store events, with where to go on from, in one transaction; return its revision."""
    ids = [f"{number}-{each}" for each in range(EACH)]
    with store.writer() as writer, writer.commit(at) as revision:
        writer.store(
            "site", "web", frame(*ids), mode=WriteMode.APPEND, received_at=at, watermark=None
        )
        writer.advance("site", "web", str(number))
    return revision


def delivery(number: int | str, *, raw: str = "{}", events: int = EACH) -> Delivery:
    rows = [
        (f"site:{number}-{each}", "paid", _MICROSECONDS, None, "u", None, None, None, "{}", raw)
        for each in range(events)
    ]
    return Delivery("site", "web", rows, [], 100)


def submitted(bus: Bus, *deliveries: Delivery) -> list[Taken]:
    """Submit all at once, in their order; return what became of each."""

    async def submit() -> list[Taken]:
        answers: list[Awaitable[Taken]] = [bus.submit(one) for one in deliveries]
        return list(await asyncio.gather(*answers))

    return asyncio.run(submit())


def rows(store: EventStore, sql: str) -> list[tuple[object, ...]]:
    with store.reader(OWNER) as reader:
        return reader.frame(sql).rows()


def confirmed(what: str, name: str, folder: Path, first: int) -> list[int]:
    """Have a process send from `first` on, and kill it; return what it was told to be done."""
    words = [sys.executable, "-m", "tests.seams.sending", what, name, str(folder), str(first)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [next(process.stdout) for _ in range(ENOUGH)]
        process.kill()
        told += [line for line in process.stdout if line.endswith("\n")]
    return sorted(map(int, told))


def _store(name: str, folder: Path, first: int) -> None:
    from tests.seams.implementations import STORES

    with STORES[name](folder) as store:
        for number in range(first, 1_000_000):
            commit(store, number)
            os.write(1, f"{number}\n".encode())


def _send(name: str, folder: Path, first: int) -> None:
    from tests.seams.implementations import BUSES

    async def send(bus: Bus, sender: int) -> None:
        for number in range(first + sender, 1_000_000, 3):
            await bus.submit(delivery(number))
            os.write(1, f"{number}\n".encode())

    async def all_of_them(bus: Bus) -> None:
        await asyncio.gather(*(send(bus, sender) for sender in range(3)))

    with BUSES[name](folder) as line:
        asyncio.run(all_of_them(line.bus))


if __name__ == "__main__":
    {"store": _store, "bus": _send}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
