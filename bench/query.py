"""How long catalogue queries take from the rollups, at rest and while events come in.

python bench/query.py [--stored 50] [--seconds 30]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ingest import PRELOAD, SOURCE, START, Feed, Ours

from analyticspro.config import Settings
from analyticspro.events import WriteMode
from analyticspro.metrics import Query
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER

PER_SECOND = 100  # queries, sent whether or not the ones before are answered
EVENTS_PER_SECOND = 50_000
BATCH = 5_000
# What the pages of a dashboard ask.
ASKED = (
    Query.of("revenue", grain="day", period="last-30-days"),
    Query.of("revenue", grain="month"),
    Query.of("revenue", "events", by="country", period="last-30-days"),
    Query.of("page_views", grain="day", period="last-90-days", where={"country": "GB"}),
    Query.of("revenue", period="last-7-days"),
    Query.of("events", grain="week", by="plan"),
    Query.of("page_views", grain="hour", period="last-7-days"),
    Query.of("revenue", by="channel"),
)
DISTINCT = Query.of("active_customers", grain="day", period="last-30-days")
RAW = Query.of("revenue", by="product_id")


class Asking:
    """Answers queries as the api does: what is known is read once per revision."""

    def __init__(self, ours: Ours) -> None:
        self._warehouse = ours.warehouse
        self._known: Known | None = None

    def milliseconds(self, query: Query, since: float | None = None) -> float:
        started = time.perf_counter() if since is None else since
        with self._warehouse.reader(OWNER) as reader:
            self._known = known = Known.read(reader, self._known)
            now = START + timedelta(days=400)
            Evaluator(reader, known, Settings(), now).answer(query)
        return (time.perf_counter() - started) * 1000


def open_loop(asking: Asking, seconds: float) -> list[float]:
    """Return how long each query took, from the moment it was due."""
    with ThreadPoolExecutor(8) as pool:
        start = time.perf_counter()
        waiting = []
        for number, query in zip(range(int(seconds * PER_SECOND)), itertools.cycle(ASKED)):
            due = start + number / PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(asking.milliseconds, query, due))
        return [one.result() for one in waiting]


def feeding(ours: Ours, feed: Feed, stop: threading.Event) -> None:
    """Store events at their rate until told to stop."""
    at = START + timedelta(days=400)
    batches: Iterator[object] = (
        ours.warehouse.prepare(SOURCE, feed.batch(BATCH), WriteMode.APPEND)
        for _ in itertools.count()
    )
    start = time.perf_counter()
    for number, batch in enumerate(batches):
        if stop.is_set():
            return
        time.sleep(max(0.0, start + number * BATCH / EVENTS_PER_SECOND - time.perf_counter()))
        with ours.warehouse.writer() as writer, writer.commit(at):
            writer.store(SOURCE, "events", batch, received_at=at, watermark=None)


def p95(found: list[float]) -> float:
    return round(statistics.quantiles(found, n=20)[18], 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stored", type=float, default=50, help="millions of events")
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    feed = Feed()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        ours = Ours(Path(folder))
        while feed.told < given.stored * 1e6:
            ours.write(iter([feed.batch(PRELOAD, duplicates=0)]))
        ours.warehouse.compact()
        asking = Asking(ours)
        figures: dict[str, float] = {"stored": feed.told}
        for query in (*ASKED, DISTINCT, RAW):
            took = statistics.median(asking.milliseconds(query) for _ in range(5))
            place = f"{', '.join(query.metrics)} grain={query.grain} by={','.join(query.by)}"
            print(f"{place:<50}{query.period:<14}{took:>9.1f} ms", flush=True)
        figures["distinct_ms"] = round(
            statistics.median(asking.milliseconds(DISTINCT) for _ in range(5)), 1
        )
        figures["raw_ms"] = round(statistics.median(asking.milliseconds(RAW) for _ in range(5)), 1)
        figures["rollup_p95_ms"] = p95(open_loop(asking, given.seconds))
        print(f"at rest: p95 {figures['rollup_p95_ms']} ms")
        stop = threading.Event()
        writing = threading.Thread(target=feeding, args=(ours, feed, stop))
        before = feed.told
        writing.start()
        started = time.perf_counter()
        figures["busy_p95_ms"] = p95(open_loop(asking, given.seconds))
        stop.set()
        writing.join()
        figures["busy_events_per_s"] = round((feed.told - before) / (time.perf_counter() - started))
        rate, busy = figures["busy_events_per_s"], figures["busy_p95_ms"]
        print(f"while {rate:,} events/s come in: p95 {busy} ms")
        ours.warehouse.close()
    print(json.dumps({"name": "query", "cores": os.cpu_count(), "figures": figures, "ratios": {}}))


if __name__ == "__main__":
    main()
