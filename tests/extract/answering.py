"""A real server on loopback that gives prepared answers, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

from analyticspro.extract import (
    Anonymous,
    Authentication,
    Malformed,
    RateLimit,
    Response,
    Retry,
    Session,
    Timing,
)
from analyticspro.extract.transport import Transport


@dataclass(frozen=True)
class Answer:
    """One answer; `length` is what it says of its length, if that is not true."""

    status: int = 200
    body: bytes = b"{}"
    headers: Sequence[tuple[str, str]] = ()
    length: int | None = None
    says_length: bool = True


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str


class Server:
    """Gives `answers` in turn; the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_of: ClassVar[Server]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *told: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sat, 21 Nov 2026 12:00:00 GMT"

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server = self.server_of
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.asked.append(Asked(self.path, headers, body))
        answers = server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.says_length:
            length = len(answer.body) if answer.length is None else answer.length
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # whoever asked has heard enough
        if answer.length is not None:
            self.close_connection = True


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def timing(self, chance: float = 0.5) -> Timing:
        return Timing(sleep=self.sleep, monotonic=lambda: self.now, chance=lambda: chance)


@dataclass
class Kept:
    """A place of secrets, by `source.name`; a secret can be changed."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, source: str, name: str) -> str:
        return self.values[f"{source}.{name}"]


def session(
    time: Time,
    authentication: Authentication | None = None,
    *,
    limit: RateLimit | None = None,
    retry: Retry | None = None,
    **transport: Any,
) -> Session:
    """Return a session with what matters to a test."""
    timing = time.timing()
    return Session(
        "Source crm",
        Transport(timing, **transport),
        authentication or Anonymous(),
        limit,
        retry or Retry(),
        timing,
    )


def read(response: Response) -> Any:
    """Return the JSON of an answer."""
    try:
        return json.loads(response.body)
    except ValueError:
        raise Malformed("is no JSON") from None
