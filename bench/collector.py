"""How fast the event collector answers once events are durable, and what it does when flooded."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.local import free_port  # noqa: E402

NUMBER = b"@@@@@@@@@@"
COUNTRIES = ("GB", "FR", "DE", "US", "JP")
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def template(key: str, events: int, *, is_loose: bool) -> bytes:
    """Return a request as it goes over the wire; `NUMBER` stands for that of the request.

    An event is a track message of Segment's JavaScript library with an order in it, and
    about 200 bytes of properties.
    """
    draw = random.Random(2_026)
    batch = [
        {
            "type": "track",
            "messageId": f"ajs-next-{NUMBER.decode()}-{index:04}",
            "event": "Order Completed",
            "userId": f"user-{draw.randrange(100_000)}",
            "anonymousId": f"{draw.getrandbits(128):032x}",
            "timestamp": "2026-11-21T16:00:00.123Z",
            "properties": {
                "order_id": f"{NUMBER.decode()}{index:04}",
                "product": draw.choice(["Mug", "Teapot", "Kettle"]),
                "quantity": draw.randrange(1, 9),
                "revenue": draw.randrange(100, 9_999) / 100,
                "currency": "GBP",
                "country": draw.choice(COUNTRIES),
                "coupon": f"{draw.getrandbits(64):016x}",
                "note": f"{draw.getrandbits(160):040x}",
            },
            "context": {
                "sessionId": f"{draw.getrandbits(32):08x}",
                "page": {"path": "/checkout/done", "title": "Thank you"},
                "library": {"name": "analytics.js", "version": "next-1.81.0"},
            },
        }
        for index in range(events)
    ]
    separators = None if is_loose else (",", ":")
    body = json.dumps({"batch": batch, "sentAt": "2026-11-21T16:00:01.000Z"}, separators=separators)
    head = (
        "POST /v1/batch HTTP/1.1\r\nHost: collector\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


@dataclass
class Run:
    """What one load came to."""

    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: set[int] = field(default_factory=set)
    unanswered: int = 0
    seconds: float = 0
    cpu_s: float = 0
    own_cpu_s: float = 0
    rss_mb: float = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Client(asyncio.Protocol):
    """One connection, kept alive, one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent: tuple[int, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._load.free.append(self)

    def send(self, number: int, due: float) -> None:
        self._sent = number, due
        self._transport.write(self._load.template.replace(NUMBER, b"%010d" % number))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        found = LENGTH.search(self._buffer, 0, head + 2)
        if found is None or len(self._buffer) < head + 4 + int(found[1]):
            return
        assert self._sent is not None
        self._load.answered(int(self._buffer[9:12]), *self._sent)
        self._buffer, self._sent = b"", None
        self._load.free.append(self)
        self._load.hand_out()

    def connection_lost(self, error: Exception | None) -> None:
        if self._sent is not None:
            self._load.run.unanswered += 1


class Load:
    """Requests at a fixed rate, whether or not they are answered.

    Latency counts from when a request was due; in a flood, where connections are short, from
    when it was sent.
    """

    def __init__(self, request: bytes, first: int, *, is_flood: bool = False) -> None:
        self.template = request
        self._is_flood = is_flood
        self.run = Run()
        self.free: deque[Client] = deque()
        self._due: deque[tuple[int, float]] = deque()
        self._next = first

    def answered(self, status: int, number: int, due: float) -> None:
        self.run.latencies_ms.append((time.perf_counter() - due) * 1000)
        self.run.statuses[status] += 1
        if status == 202:
            self.run.accepted.add(number)

    def hand_out(self) -> None:
        while self._due and self.free:
            number, due = self._due.popleft()
            self.free.popleft().send(number, time.perf_counter() if self._is_flood else due)

    async def go(self, port: int, *, rate: float, seconds: float, connections: int) -> Run:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: Client(self), "127.0.0.1", port)
        started, own = time.perf_counter(), time.process_time()
        total = int(rate * seconds)
        for index in range(total):
            due = started + index / rate
            while (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            self._due.append((self._next, due))
            self._next += 1
            self.hand_out()
        while sum(self.run.statuses.values()) + self.run.unanswered < total:
            await asyncio.sleep(0.01)
            assert time.perf_counter() - started < 10 * seconds + 60, "not all were answered"
        self.run.seconds = time.perf_counter() - started
        self.run.own_cpu_s = time.process_time() - own
        return self.run


@contextmanager
def api(home: Home, environment: dict[str, str]) -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "analyticspro.api", "--home", str(home.path)],
        cwd=ROOT,
        env={**os.environ, **environment, "ANALYTICSPRO_API_PORT": str(port)},
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
        with api(home, {}) as (process, port):
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
