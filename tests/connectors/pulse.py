"""Servers that behave as a test wants, and checks of them."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from analyticspro.connectors import parse
from analyticspro.connectors.uptime import STREAM, UptimeConnector
from analyticspro.connectors.uptime_source import UptimeSource
from analyticspro.events import problems

NOW = datetime(2026, 1, 31, 12, 0, 7, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Talk = Callable[[socket.socket, threading.Event], None]


def says(*pieces: bytes) -> Talk:
    """Send `pieces`, then hang up."""

    def talk(client: socket.socket, _: threading.Event) -> None:
        client.sendall(b"".join(pieces))

    return talk


def drips(start: bytes, drop: bytes) -> Talk:
    """Send `start`, then `drop` again and again until the test is over."""

    def talk(client: socket.socket, over: threading.Event) -> None:
        client.sendall(start)
        while not over.wait(0.02):
            client.sendall(drop)

    return talk


def stays_silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(10)


@contextmanager
def serving(
    talk: Talk, encryption: ssl.SSLContext | None = None, requests: list[bytes] | None = None
) -> Iterator[int]:
    """Serve on a port of loopback: read what is asked, then `talk`."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                client = self.request
                if encryption is not None:
                    client = encryption.wrap_socket(client, server_side=True)
                with client:
                    asked = client.recv(65_536)
                    if requests is not None:
                        requests.append(asked)
                    talk(client, over)
            except OSError:
                pass  # the check hung up: so it should

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        block_on_close = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


def source(monitors: dict[str, dict[str, Any]], **more: Any) -> UptimeSource:
    table = {"name": "pulse", "connector": "uptime", "monitors": monitors, **more}
    parsed = parse(table, "sources.toml, [sources.pulse]")
    assert isinstance(parsed, UptimeSource)
    return parsed


def checked(monitors: dict[str, dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """Return the events of one round of checks."""
    [page] = UptimeConnector(source(monitors, **more)).read(STREAM, None, now=NOW)
    assert problems(page.batch.events).height == 0
    return page.batch.events.to_dicts()


def check(**monitor: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of the event that one monitor gives, and its properties."""
    [event] = checked({"web": {"timeout": 5, **monitor}})
    return event["name"], json.loads(event["properties"])
