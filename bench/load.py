"""Requests to a collector at a fixed rate, and what came of them."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from array import array
from collections import Counter, deque
from dataclasses import dataclass, field

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
