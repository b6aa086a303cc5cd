"""How fast events are stored, deduplicated and rolled up, beside a plain bulk insert.

python bench/ingest.py [--stored 2,50] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.ingest.ahead import ahead
from analyticspro.warehouse import Warehouse

SOURCE = "bench"
START = datetime(2024, 1, 1, tzinfo=UTC)
PER_SECOND = 2  # events a second of the story: 50 million are 290 days
PRELOAD = 245_760
# Events measured in each round, by events a batch.
BATCHES = {1: 300, 100: 20_000, 1_000: 200_000, 50_000: 500_000}
NAMES = ("page_viewed", "order_placed", "signed_up", "session_started")
COUNTRIES = ("GB", "DE", "FR", "US", "JP", "BR")


def _properties() -> list[str]:
    """Return 30 JSON objects of 200 bytes."""
    found = []
    for number in range(30):
        told = {
            "country": COUNTRIES[number % len(COUNTRIES)],
            "plan": ("free", "pro")[number % 2],
            "channel": ("ads", "mail", "search")[number % 3],
            "product_id": f"p-{number}",
            "path": f"/products/{number}/reviews",
        }
        bare = len(json.dumps(told | {"note": ""}))
        found.append(json.dumps(told | {"note": "x" * (200 - bare)}))
    return found


PROPERTIES = pl.Series(_properties())


def events(numbers: np.ndarray) -> pl.DataFrame:
    """Return the events of these numbers; 5 % of them are days late.

    What an event says follows from its number alone, so that the same number is a duplicate.
    """
    late = (numbers * 2_654_435_761 % 100) < 5
    seconds = numbers // PER_SECOND - late * (numbers * 48_271 % (20 * 86_400))
    user = pl.Series(numbers * 40_503 % 200_000)
    is_order = pl.Series(numbers % 4 == 1)
    return pl.DataFrame(
        {
            "event_id": "bench:" + pl.Series(numbers + 10**11).cast(pl.String),
            "name": pl.Series(NAMES).gather(numbers % 4),
            "occurred_at": pl.Series(seconds * 1_000_000 + int(START.timestamp()) * 1_000_000).cast(
                pl.Datetime("us", "UTC")
            ),
            "customer_id": "cus-" + (user // 4).cast(pl.String),
            "user_id": "usr-" + user.cast(pl.String),
            "session_id": "ses-" + pl.Series(numbers // 20).cast(pl.String),
            "amount_minor": pl.select(
                pl.when(is_order).then(pl.Series(numbers % 10_000))
            ).to_series(),
            "currency": pl.select(pl.when(is_order).then(pl.lit("USD"))).to_series(),
            "properties": PROPERTIES.gather(numbers % 30),
            "raw": pl.Series([None] * len(numbers), dtype=pl.String),
            "version": pl.Series([None] * len(numbers), dtype=pl.Int64),
        }
    ).cast(SCHEMA)


@dataclass
class Feed:
    """Gives batches of events, 5 % of which were there before."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    told: int = 0

    def batch(self, size: int, *, duplicates: float = 0.05) -> pl.DataFrame:
        again = int(self.rng.binomial(size, duplicates)) if self.told else 0
        fresh = np.arange(self.told, self.told + size - again)
        old = self.rng.integers(0, max(1, self.told), again)
        self.told += len(fresh)
        numbers = np.concatenate([fresh, old])
        if again:
            self.rng.shuffle(numbers)
        return events(numbers)


class Ours:
    """Deduplication, versions, rollups, the ledger: what a stream that appends goes through."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = Warehouse.open(folder / "ours.duckdb", backups=folder)

    def write(self, batches: Iterator[pl.DataFrame]) -> None:
        def prepared() -> Iterator[object]:
            for batch in batches:
                yield self.warehouse.prepare(SOURCE, batch, WriteMode.APPEND)

        at = START + timedelta(days=400)
        for batch in ahead(prepared()):
            with self.warehouse.writer() as writer, writer.commit(at):
                writer.store(SOURCE, "events", batch, received_at=at, watermark=None)
                writer.advance(SOURCE, "events", '{"offset": 1}')


class Plain:
    """The same rows into a table, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect(
            str(folder / "plain.duckdb"),
            config={"max_vacuum_tasks": 0},  # as ours; it is faster so
        )
        nothing = pl.DataFrame(schema=SCHEMA)
        self.connection.register("nothing", nothing)
        self.connection.execute(
            "CREATE TABLE events AS SELECT '' AS source, '' AS part, now()::TIMESTAMP AS "
            "received_at, * REPLACE (occurred_at::TIMESTAMP AS occurred_at) FROM nothing"
        )

    def write(self, batches: Iterator[pl.DataFrame]) -> None:
        for batch in batches:
            self.connection.register("incoming", batch)
            self.connection.execute(
                "INSERT INTO events SELECT 'bench', 'events', TIMESTAMP '2025-02-04', "
                "* REPLACE (occurred_at::TIMESTAMP AS occurred_at) FROM incoming"
            )
            self.connection.unregister("incoming")


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def resident_gb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e9


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stored", default="2,50", help="millions of events stored before")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    feed = Feed()
    rates: dict[str, float] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        ours, plain = Ours(Path(folder)), Plain(Path(folder))
        print(f"{'stored':>12}{'a batch':>10}{'ours/s':>12}{'plain/s':>12}{'ratio':>8}")
        for stored in (int(float(text) * 1e6) for text in given.stored.split(",")):
            while feed.told < stored:
                batch = feed.batch(min(PRELOAD, stored - feed.told), duplicates=0)
                ours.write(iter([batch]))
                plain.write(iter([batch]))
            for size, count in BATCHES.items():
                measured: dict[str, list[float]] = {"ours": [], "plain": []}
                for number in range(given.rounds):
                    batches = [feed.batch(size) for _ in range(count // size)]
                    sides = [("ours", ours), ("plain", plain)]
                    for name, side in sides if number % 2 else sides[::-1]:
                        took = seconds(lambda side=side, b=batches: side.write(iter(b)))
                        measured[name].append(count / took)
                rate, other = (statistics.median(measured[name]) for name in ("ours", "plain"))
                ratio = statistics.median(
                    a / b for a, b in zip(measured["ours"], measured["plain"], strict=True)
                )
                place = f"{stored // 1_000_000}m_{size}"
                rates[place], ratios[place] = round(rate), round(ratio, 3)
                print(
                    f"{stored:>12,}{size:>10,}{rate:>12,.0f}{other:>12,.0f}{ratio:>8.2f}",
                    flush=True,
                )
        rss = round(resident_gb(), 2)
        ours.warehouse.close()
    largest = max(rates, key=lambda place: (int(place.split("m_")[0]), int(place.split("m_")[1])))
    print(
        json.dumps(
            {
                "name": "ingest",
                "cores": os.cpu_count(),
                "figures": {"events_per_s": rates[largest], "rss_gb": rss, **rates},
                "ratios": {"vs_bulk_insert": ratios[largest], **ratios},
            }
        )
    )


if __name__ == "__main__":
    main()
