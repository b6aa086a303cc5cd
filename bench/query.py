"""How long catalogue queries take from the rollups, at rest and while events come in.

python bench/query.py [--stored 50] [--seconds 30]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

sys.path.insert(0, str(Path(__file__).parent))

from by_hand import BY_HAND, COLUMNS
from ingest import PER_SECOND, PRELOAD, PROPERTIES, SOURCE, START, Feed, Ours, events

from analyticspro.config import Settings
from analyticspro.events import WriteMode
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.policy import OWNER

QUERIES_PER_SECOND = 100  # sent whether or not the ones before are answered
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

    def __init__(self, ours: Ours, feed: Feed) -> None:
        self._warehouse = ours.warehouse
        self._feed = feed
        self._known: Known | None = None

    def answer(self, query: Query) -> Answer:
        with self._warehouse.reader(OWNER) as reader:
            self._known = known = Known.read(reader, self._known)
            now = START + timedelta(seconds=self._feed.told / PER_SECOND)  # when the story ends
            return Evaluator(reader, known, Settings(), now).answer(query)

    def milliseconds(self, query: Query, since: float | None = None) -> float:
        started = time.perf_counter() if since is None else since
        self.answer(query)
        return (time.perf_counter() - started) * 1000


def open_loop(asking: Asking, seconds: float) -> list[float]:
    """Return how long each query took, from the moment it was due."""
    with ThreadPoolExecutor(8) as pool:
        start = time.perf_counter()
        waiting = []
        for number, query in zip(range(int(seconds * QUERIES_PER_SECOND)), itertools.cycle(ASKED)):
            due = start + number / QUERIES_PER_SECOND
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


class ClickHouse:
    """The same events in ClickHouse, in a process of its own (chDB), ordered as it likes them."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        properties = pl.DataFrame([json.loads(text) for text in PROPERTIES])
        for number, first in enumerate(range(0, feed.told, 10 * PRELOAD)):
            numbers = np.arange(first, min(first + 10 * PRELOAD, feed.told))
            rows = events(numbers).hstack(properties[numbers % len(PROPERTIES)].drop("note"))
            rows.select(*COLUMNS).write_parquet(folder / f"events-{number}.parquet")
        root = Path(__file__).parent
        python = subprocess.check_output(
            [root.parent / "scripts" / "environment", "chdb"], text=True
        ).strip()
        self._process = subprocess.Popen(
            [python, root / "by_hand.py", folder / "chdb", folder / "events-*.parquet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        [[count]] = self._read()["rows"]
        assert int(count) == feed.told, count
        for file in folder.glob("events-*.parquet"):
            file.unlink()

    def ask(self, sql: str) -> tuple[list[list[Any]], float]:
        """Return the rows, and how long they took: the median of five, in milliseconds."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(sql)}\n")
        self._process.stdin.flush()
        answer = self._read()
        return answer["rows"], answer["ms"]

    def close(self) -> None:
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return]


def beside(ours: Ours, asking: Asking, clickhouse: ClickHouse) -> dict[str, float]:
    """Ask every question of all three, see that the answers agree, and compare the times."""
    print(f"{'median of five, ms':<64}{'ours':>9}{'by hand':>9}{'chDB':>9}")
    by_hand, others = [], []
    for query, question in zip((*ASKED, DISTINCT, RAW), BY_HAND, strict=True):
        answer = asking.answer(query)
        span = answer.provenance["period"]
        edges = (span["start"].replace("T", " "), span["end"].replace("T", " "))
        ms = statistics.median(asking.milliseconds(query) for _ in range(5))
        rows, plain = _in_duckdb(ours, question.sql("hot", *edges, is_clickhouse=False))
        told, theirs = clickhouse.ask(question.sql("bench.events", *edges, is_clickhouse=True))
        measures = len(query.metrics)
        ours_told = answer.frame.with_columns(cs.decimal() * 100).rows()  # in cents, as the others
        sums = [_sums(found, measures) for found in (ours_told, rows, told)]
        assert sums[0] == sums[1] == sums[2], (query, sums)
        place = f"{', '.join(query.metrics)} {query.grain or ''} {', '.join(query.by)}"
        print(f"{place:<50}{query.period:<14}{ms:>9.1f}{plain:>9.1f}{theirs:>9.1f}", flush=True)
        by_hand.append(plain / ms)
        others.append(theirs / ms)
    return {
        "vs_sql_by_hand": round(statistics.median(by_hand), 2),
        "vs_chdb": round(statistics.median(others), 2),
        "vs_chdb_least": round(min(others), 2),
    }


def _in_duckdb(ours: Ours, sql: str) -> tuple[list[tuple[Any, ...]], float]:
    took = []
    for _ in range(5):
        started = time.perf_counter()
        with ours.warehouse.reader(OWNER) as reader:
            rows = reader.frame(sql).rows()
        took.append((time.perf_counter() - started) * 1000)
    return rows, statistics.median(took)


def _sums(rows: Sequence[Sequence[Any]], measures: int) -> list[int]:
    return [int(sum(row[place] or 0 for row in rows)) for place in range(-measures, 0)]


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
        asking = Asking(ours, feed)
        figures: dict[str, float] = {"stored": feed.told}
        clickhouse = ClickHouse(Path(folder), feed)
        ratios = beside(ours, asking, clickhouse)
        clickhouse.close()
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
    told = {"name": "query", "cores": os.cpu_count(), "figures": figures, "ratios": ratios}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
