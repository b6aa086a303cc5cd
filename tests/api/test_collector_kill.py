"""Killed under load: what was answered is there, once, and so is what is sent again."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.policy import OWNER
from analyticspro.workspace import Workspace
from tests.api.server import is_listening, launch
from tests.local import free_port, until

EVENTS = 20
LENGTH = re.compile(rb"content-length: ([0-9]+)")


@dataclass
class Sender:
    """Sends batch after batch on one connection, and the same again until it is answered."""

    key: str
    name: int
    acknowledged: set[str] = field(default_factory=set)
    unanswered: tuple[str, ...] = ()
    sent: int = 0

    async def send(self, port: int, *, batches: int | None = None) -> None:
        """Go on until the connection breaks, or `batches` are answered."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        try:
            while batches is None or batches > 0:
                ids = self.unanswered or self._fresh()
                self.unanswered = ids
                writer.write(self._request(ids))
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(LENGTH.search(head)[1]))  # type: ignore[index]
                if not head.startswith(b"HTTP/1.1 202"):
                    return
                self.acknowledged.update(ids)
                self.unanswered = ()
                batches = None if batches is None else batches - 1
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    def _fresh(self) -> tuple[str, ...]:
        self.sent += EVENTS
        return tuple(f"{self.name}-{n}" for n in range(self.sent - EVENTS, self.sent))

    def _request(self, ids: tuple[str, ...]) -> bytes:
        batch = [{"type": "track", "event": "Paid", "messageId": one, "userId": "u"} for one in ids]
        body = json.dumps({"batch": batch})
        return (
            f"POST /v1/batch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def killed_under_load(home: Home, senders: list[Sender], after_s: float) -> None:
    port = free_port()
    process = launch(home, api_port=port)
    try:
        until(lambda: is_listening(port))

        async def load() -> None:
            sending = [asyncio.create_task(sender.send(port)) for sender in senders]
            await asyncio.sleep(after_s)
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*sending)

        asyncio.run(load())
    finally:
        process.kill()
        process.communicate()


def check(home: Home, *, kills: int) -> None:
    moment = random.Random(2_026)
    key = WriteKeys.of(home).create("shop", now=clock.now()).text
    senders = [Sender(key, name) for name in range(4)]
    for _ in range(kills):
        killed_under_load(home, senders, moment.uniform(0.05, 0.6))
        assert stored(home) >= set().union(*(sender.acknowledged for sender in senders))
    assert any(sender.unanswered for sender in senders), "no kill came in the middle of a request"
    port = free_port()
    process = launch(home, api_port=port)
    until(lambda: is_listening(port))

    async def finish() -> None:
        await asyncio.gather(*(sender.send(port, batches=2) for sender in senders))

    asyncio.run(finish())
    process.terminate()
    assert process.wait(60) == 0
    process.communicate()
    everything = {f"{sender.name}-{n}" for sender in senders for n in range(sender.sent)}
    assert stored(home) == set().union(*(sender.acknowledged for sender in senders)) == everything


def stored(home: Home) -> set[str]:
    """Return the ids of the messages that are in, each of them once."""
    with (
        Workspace.open(home, wait_for_s=30) as workspace,
        workspace._warehouse.reader(OWNER) as reader,
    ):
        ids = reader.frame("SELECT event_id FROM events")["event_id"]
    assert ids.n_unique() == len(ids)
    return {event_id.removeprefix("shop:messages:") for event_id in ids}


def test_two_kills_lose_and_double_nothing(tmp_path: Path):
    check(Home(tmp_path / "home").prepare(), kills=2)


@pytest.mark.soak
def test_fifty_kills_lose_and_double_nothing(tmp_path: Path):
    check(Home(tmp_path / "home").prepare(), kills=50)
