"""What stands at each seam: the suites run over whatever is added here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from analyticspro.ingest.bus import Bus
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.intake import Intake, Limits
from analyticspro.metrics.answer_cache import AnswerCache
from analyticspro.metrics.remembered import Remembered
from analyticspro.warehouse import Warehouse

__all__ = ["BUSES", "CACHES", "STORES", "Line", "duckdb_file"]


@contextmanager
def duckdb_file(folder: Path) -> Iterator[EventStore]:
    """The warehouse in one file. It is opened by one process at a time."""
    opened = Warehouse.open(folder / "w.duckdb", backups=folder, wait_for_s=30)
    try:
        yield opened
    finally:
        opened.close()


@dataclass(frozen=True)
class Line:
    """A bus with what is at the end of it.

    Attributes:
        bus: The bus.
        store: Where its events arrive.
        stalled: Keeps them from arriving, as long as its block.
    """

    bus: Bus
    store: EventStore
    stalled: Callable[[], AbstractContextManager[None]]


@contextmanager
def in_process(folder: Path, limits: Limits | None = None) -> Iterator[Line]:
    """The queue with group commit, over the warehouse in one file."""
    with duckdb_file(folder) as store:
        bus = Intake(store, limits=limits)
        try:
            yield Line(bus, store, lambda: writer_taken(store))
        finally:
            bus.close()


@contextmanager
def writer_taken(store: EventStore) -> Iterator[None]:
    """Have somebody else hold the writer."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with store.writer():
            held.set()
            assert release.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(30)
    try:
        yield
    finally:
        release.set()
        holding.join()


Opened: TypeAlias = Callable[[Path], AbstractContextManager[EventStore]]
STORES: dict[str, Opened] = {"duckdb file": duckdb_file}
BUSES: dict[str, Callable[..., AbstractContextManager[Line]]] = {"in process": in_process}
CACHES: dict[str, Callable[[], AnswerCache]] = {"in process": Remembered}
