"""Many threads of one process write and read at once, and the totals are exact."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.ingest import Progress, load_events, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.ingest.lines import append, declared
from tests.ingest.shop import Shop
from tests.local import NoSecrets

NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
THREADS, COMMITS, ROWS = 4, 12, 20


def events(*names: str) -> pl.DataFrame:
    row = {"name": "order_placed", "occurred_at": NOW, "properties": "{}"}
    return pl.DataFrame([row | {"event_id": name} for name in names], schema=SCHEMA)


def write(warehouse: Warehouse, thread: int) -> list[int]:
    """Store events of this thread, and one that all threads store; return the revisions."""
    revisions = []
    for number in range(COMMITS):
        own = [f"{thread}-{number}-{row}" for row in range(ROWS)]
        repeated = [f"{thread}-{number - 1}-{row}" for row in range(3)] if number else []
        prepared = warehouse.prepare(
            "site", events(*own, *repeated, f"all-{number}"), WriteMode.APPEND
        )
        with warehouse.writer() as writer, writer.commit(NOW) as revision:
            stored = writer.store("site", "web", prepared, received_at=NOW, watermark=None)
        assert stored.new in (ROWS, ROWS + 1)
        revisions.append(revision)
    return revisions


def read(warehouse: Warehouse, is_over: threading.Event) -> int:
    """Read until it is over; what is seen never shrinks and always adds up."""
    before = times = 0
    while not is_over.is_set() or not times:
        with warehouse.reader(OWNER) as reader:
            [(live, distinct, added)] = reader.frame(
                "SELECT count(*), count(DISTINCT (source, event_id)), "
                "(SELECT coalesce(sum(new - retracted), 0)::BIGINT FROM ledger) "
                "FROM events WHERE retired IS NULL"
            ).rows()
            assert reader.revision() >= before
            before = reader.revision()
        assert live == distinct == added
        times += 1
    return times


def test_threads_that_write_and_read_beside_syncs_lose_and_double_nothing(
    shop: Shop, tmp_path: Path
):
    shop.write(*[f"{n},2011-11-05,C{n % 7},1" for n in range(52_000)])
    append(tmp_path, "visits", *({"id": str(n), "at": NOW.isoformat()} for n in range(40)))
    warehouse, is_over = shop.warehouse, threading.Event()

    def sync_streams() -> None:
        for lookback in (0, 5, 40):
            source = declared(tmp_path, lookback=lookback)
            sync(source, warehouse, secrets=NoSecrets(), progress=lambda step: None)
            warehouse.compact()

    with ThreadPoolExecutor(THREADS + 4) as pool:
        readers = [pool.submit(read, warehouse, is_over) for _ in range(2)]
        files, streams = pool.submit(shop.sync), pool.submit(sync_streams)
        writers = [pool.submit(write, warehouse, thread) for thread in range(THREADS)]
        revisions = [revision for writer in writers for revision in writer.result()]
        assert files.result().new == 52_000
        streams.result()
        is_over.set()
        assert all(reader.result() for reader in readers)
    assert len(set(revisions)) == THREADS * COMMITS
    assert shop.frame(
        "SELECT source, count(*), count(DISTINCT event_id) FROM events GROUP BY ALL ORDER BY ALL"
    ).rows() == [
        ("shop", 52_000, 52_000),
        ("site", (THREADS * ROWS + 1) * COMMITS, (THREADS * ROWS + 1) * COMMITS),
        ("till", 40, 40),
    ]
    [(seqs, rows, distinct, newest)] = shop.frame(
        "SELECT (SELECT count(DISTINCT seq) FROM events), (SELECT count(*) FROM events), "
        "count(DISTINCT revision), max(revision) FROM ledger"
    ).rows()
    assert seqs == rows
    assert distinct == newest
    [duplicates] = shop.frame("SELECT sum(duplicates)::BIGINT FROM ledger WHERE source = 'site'")[
        :, 0
    ]
    assert duplicates == THREADS * (COMMITS - 1) * 3 + (THREADS - 1) * COMMITS


def test_two_syncs_of_one_source_take_turns_and_those_of_two_do_not(shop: Shop, tmp_path: Path):
    append(tmp_path, "visits", *({"id": str(n), "at": NOW.isoformat()} for n in range(6)))
    steps: list[tuple[int, int]] = []
    first_is_at_work, other_is_done = threading.Event(), threading.Event()

    def run(number: int, name: str) -> int:
        def note(step: Progress) -> None:
            steps.append((number, step.done))
            if number == 1:
                first_is_at_work.set()
                # Another source is synced meanwhile, and this one is not.
                assert other_is_done.wait(30)

        source = declared(tmp_path, name=name)
        report = sync(source, shop.warehouse, secrets=NoSecrets(), progress=note)
        if name == "other":
            other_is_done.set()
        return report.new

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(run, 1, "till")
        assert first_is_at_work.wait(30)
        second = pool.submit(run, 2, "till")
        other = pool.submit(run, 3, "other")
        assert (first.result(), second.result(), other.result()) == (6, 0, 6)
    assert [done for number, done in steps if number == 1] == [2, 4, 6]
    assert not [done for number, done in steps if number == 2], "it found nothing new"


def test_what_is_loaded_whole_waits_for_its_turn(shop: Shop):
    two = [events("a", "b"), events("b", "c")]
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(
                load_events, "made", some, shop.warehouse, progress=lambda step: None
            )
            for some in two
        ]  # fmt: skip
        reports = [one.result() for one in done]
    assert sorted((report.new, report.retracted) for report in reports) == [(1, 1), (2, 0)]
    assert shop.frame("SELECT count(*) FROM events WHERE retired IS NULL").rows() == [(2,)]
