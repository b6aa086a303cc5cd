"""How fast the event collector answers once events are durable, and what it does when flooded."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from analyticspro import clock  # noqa: E402
from analyticspro.client import Remote  # noqa: E402
from analyticspro.collecting import WriteKeys  # noqa: E402
from analyticspro.config import Home  # noqa: E402
from analyticspro.policy import OWNER  # noqa: E402
from analyticspro.warehouse import Warehouse  # noqa: E402
from bench.load import Load, Run, template  # noqa: E402
from tests.local import free_port  # noqa: E402


@contextmanager
def api(home: Home) -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "analyticspro.api", "--home", str(home.path)],
        cwd=ROOT,
        env={**os.environ, "ANALYTICSPRO_API_PORT": str(port)},
    )
    remote = Remote(f"http://127.0.0.1:{port}", home.token())
    while not remote.is_alive():
        assert process.poll() is None, "the api did not start"
        time.sleep(0.05)
    try:
        yield psutil.Process(process.pid), port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def measured(process: psutil.Process, load: Load, port: int, **how: float) -> Run:
    before = process.cpu_times()
    rate, seconds, connections = how["rate"], how["seconds"], int(how["connections"])
    run = asyncio.run(load.go(port, rate=rate, seconds=seconds, connections=connections))
    after = process.cpu_times()
    run.cpu_s = after.user + after.system - before.user - before.system
    run.rss_mb = process.memory_info().rss / 1e6
    return run


def stored(home: Home) -> tuple[int, int, set[int]]:
    """Return the events, the different ids among them, and the numbers of their requests."""
    warehouse = Warehouse.open(home.warehouse_file, backups=home.path / "backups")
    try:
        with warehouse.reader(OWNER) as reader:
            [[events, ids]] = reader.frame(
                "SELECT count(*), count(DISTINCT event_id) FROM events WHERE retired IS NULL"
            ).rows()
            numbers = reader.frame(
                "SELECT split_part(event_id, '-', 3)::BIGINT AS number, count(*) AS events "
                "FROM events WHERE retired IS NULL GROUP BY number"
            )
    finally:
        warehouse.close()
    return events, ids, set(numbers["number"].to_list())


def main() -> None:
    """Load a real api at a fixed rate, then flood it, then count what is in."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=2_000, help="requests a second")
    parser.add_argument("--events", type=int, default=10, help="events in each")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--flood-seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=600)
    parser.add_argument("--loose", action="store_true", help="JSON as Python writes it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="collector-") as folder:
        home = Home(Path(folder) / "home").prepare()
        key = WriteKeys.of(home).create("bench", now=clock.now()).text
        request = template(key, given.events, is_loose=given.loose)
        with api(home) as (process, port):
            how = {"rate": given.rate, "connections": given.connections}
            measured(process, Load(request, 0), port, rate=200, seconds=1, connections=8)
            steady = measured(process, Load(request, 1_000), port, seconds=given.seconds, **how)
            flood = None
            if given.flood_seconds:
                how["rate"] *= 5
                how["connections"] = 3_000
                first = 1_000 + len(steady.latencies_ms)
                flood = measured(
                    process,
                    Load(request, first, is_flood=True),
                    port,
                    seconds=given.flood_seconds,
                    **how,
                )
        report(given, request, home, steady, flood)


def report(
    given: argparse.Namespace, request: bytes, home: Home, steady: Run, flood: Run | None
) -> None:
    events, ids, numbers = stored(home)
    runs = [run for run in (steady, flood) if run]
    lost = len(set().union(*(run.accepted for run in runs)) - numbers)
    count = len(steady.latencies_ms) * given.events
    figures: dict[str, float] = {
        "requests_per_s": len(steady.latencies_ms) / steady.seconds,
        "events_per_s": count / steady.seconds,
        "bytes_per_request": len(request),
        "p50_ms": steady.percentile(0.5),
        "p99_ms": steady.percentile(0.99),
        "max_ms": steady.percentile(1),
        "not_202": len(steady.latencies_ms) - steady.statuses[202],
        "api_cpu_us_per_event": steady.cpu_s / count * 1e6,
        "generator_cpu_us_per_event": steady.own_cpu_s / count * 1e6,
        "rss_mb": steady.rss_mb,
        "acknowledged_and_lost": lost,
        "stored_twice": events - ids,
    }
    if flood:
        figures |= {
            "flood_offered_per_s": given.rate * 5,
            "flood_202": flood.statuses[202],
            "flood_503_or_429": flood.statuses[503] + flood.statuses[429],
            "flood_other": sum(flood.statuses.values())
            - sum(flood.statuses[status] for status in (202, 429, 503)),
            "flood_unanswered": flood.unanswered,
            "flood_p99_ms": flood.percentile(0.99),
            "flood_rss_mb": flood.rss_mb,
        }
    print(*(dict(run.statuses) for run in runs))
    for name, value in figures.items():
        print(f"{name:<32}{value:>14,.2f}")
    result = {
        "name": "collector",
        "cores": len(os.sched_getaffinity(0)),
        "figures": {name: round(value, 3) for name, value in figures.items()},
        "ratios": {"api_to_generator_cpu": round(steady.cpu_s / steady.own_cpu_s, 2)},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
