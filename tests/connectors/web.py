"""A real server on loopback whose answers a test writes as a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Get:
    """One request: where to, with which parameters and headers (names in small letters)."""

    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Got:
    """What it is answered: JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] | None = None


class _Handler(BaseHTTPRequestHandler):
    answer: ClassVar[Callable[[Get], Got]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *told: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = type(self).answer(Get(parts.path, dict(parse_qsl(parts.query)), headers))
        body = got.body if isinstance(got.body, bytes) else json.dumps(got.body).encode()
        self.send_response(got.status)
        for name, value in (got.headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(answer: Callable[[Get], Got]) -> Iterator[str]:
    """Serve `answer`; give the address."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
