"""A real api: its own process, its own port, its own workspace."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyticspro.config import Home
from tests.local import free_port

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 30


def environment(**settings: object) -> dict[str, str]:
    """Return the environment of a process that finds this library, and no other workspace."""
    kept = {name: value for name, value in os.environ.items() if "ANALYTICSPRO" not in name}
    given = {f"ANALYTICSPRO_{name.upper()}": str(value) for name, value in settings.items()}
    return kept | {"PYTHONPATH": str(ROOT)} | given


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A running api."""

    home: Home
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = "",
    ) -> Reply:
        """Send one request; `token` is the home's own unless given, None for none at all."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token or self.home.token()}")
        content = raw if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def query(self, *metrics: str, **more: object) -> Reply:
        return self.call("POST", "/v1/query", {"metrics": list(metrics), **more})

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


def launch(home: Home, *options: str, **settings: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "analyticspro.api", "--home", str(home.path), *options],
        env=environment(**settings),
        cwd=home.path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def serving(home: Home, *options: str, **settings: object) -> Iterator[Server]:
    """Run the api of `home` for as long as the block; it must have said nothing amiss."""
    port = free_port()
    server = Server(home, port, launch(home, *options, api_port=port, **settings))
    try:
        deadline = time.monotonic() + START_WITHIN_S
        while not is_listening(port):
            assert server.process.poll() is None, server.process.communicate()[1].decode()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        _, complaints = server.process.communicate()
    assert complaints == b"", complaints.decode()
