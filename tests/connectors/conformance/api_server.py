"""A real API on loopback: lists of records, paged in every way, which can be broken on purpose."""

from __future__ import annotations

import json
import operator
import socket
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.connectors.conformance.harness import T0, Fault, Record

PAGE = 5


class Api:
    """The state of the server; each request is answered under its lock."""

    def __init__(self, *, newest_first: bool = False) -> None:
        self.rows: dict[str, tuple[datetime, Any]] = {}
        self.fixed_order: list[str] = []
        self.newest_first = newest_first
        self.requests: list[dict[str, str]] = []
        self.pages = 0
        self.faults: dict[int, Fault] = {}
        self.after_page: Callable[[int], None] = lambda page: None
        self.token = "token-1"
        self.tokens = 1
        self.page_size = PAGE
        self.repeats = 0  # how many records of the page before each page begins with
        self.lock = Lock()

    def put(self, record: Record) -> None:
        row = {"id": record.id, "at": record.at.isoformat(), "total": record.total, **record.extra}
        self.rows.pop(record.id, None)
        self.rows[record.id] = (record.at, row)

    def listed(self, since: str | None) -> list[Any]:
        """Return what was changed since then, that instant included, in order."""
        known = self.rows
        ids = sorted(known, key=lambda name: (known[name][0], name), reverse=self.newest_first)
        if self.fixed_order:
            ids = [name for name in self.fixed_order if name in known]
            ids += [name for name in known if name not in ids]
        start = None if since is None else datetime.fromisoformat(since)
        return [known[name][1] for name in ids if start is None or known[name][0] >= start]


class ApiServer:
    """Serves `api`; `url` is where."""

    def __init__(self, api: Api) -> None:
        handler = type("Handler", (_Handler,), {"api": api})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[Api]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *told: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time of this server, ten days after its first record."""
        return format_datetime(T0 + timedelta(days=10), usegmt=True)

    def do_POST(self) -> None:
        """Sell a token."""
        self.rfile.read(int(self.headers["content-length"]))
        with self.api.lock:
            self.api.tokens += 1
            self.api.token = f"token-{self.api.tokens}"
            self._answer(200, {"access_token": self.api.token, "token_type": "Bearer"})

    def do_GET(self) -> None:
        with self.api.lock:
            self._list()

    def _list(self) -> None:
        api = self.api
        asked = dict(parse_qsl(urlsplit(self.path).query))
        api.requests.append(asked)
        page = api.pages + 1
        fault = api.faults.get(page)
        if fault is Fault.EXPIRED:
            api.token = "another"
            del api.faults[page]
        if fault is Fault.REVOKED:
            api.token = "another"
        if self.headers.get("authorization") != f"Bearer {api.token}":
            self._answer(401, {"error": "who are you?"})
        elif fault in _BREAKS:
            if fault is not Fault.DOWN:
                del api.faults[page]
            _BREAKS[fault](self)
        else:
            api.pages = page
            self._page(urlsplit(self.path).path.strip("/"), asked)
            api.after_page(page)

    def _page(self, kind: str, asked: dict[str, str]) -> None:
        size = self.api.page_size
        rows = self.api.listed(asked.get("since"))
        if kind == "page":
            start = (int(asked.get("page", "1")) - 1) * size
        elif kind == "offset":
            start = int(asked.get("offset", "0"))
        else:
            start = self._after(rows, asked["after"]) if "after" in asked else 0
        begin = max(0, start - self.api.repeats) if start else 0
        found = rows[begin : start + size]
        token = _place(found[-1]) if start + size < len(rows) else None
        link = None if token is None else f"/{kind}?{urlencode({**asked, 'after': token})}"
        headers = {"Link": f'</first>; rel="first", <{link}>; rel="next"'} if link else {}
        body = {"data": found, "has_more": link is not None, "next": token, "link": link}
        if kind == "lines":
            text = "".join(json.dumps(row) + "\n" for row in found)
            self._send(200, text.encode(), headers, "application/x-ndjson")
        else:
            self._answer(200, found if kind == "link" else body, headers)

    def _after(self, rows: list[Any], token: str) -> int:
        """Return where what follows the place `token` begins, whatever has moved since."""
        if self.api.fixed_order:
            return [_place(row) for row in rows].index(token) + 1
        is_before = operator.ge if self.api.newest_first else operator.le
        return sum(is_before(_place(row), token) for row in rows)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), headers or {}, "application/json")

    def _send(self, status: int, body: bytes, headers: dict[str, str], kind: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def too_many(self) -> None:
        self._answer(429, {"error": "slow down"}, {"Retry-After": "7"})

    def error(self) -> None:
        self._answer(500, {"error": "oops"})

    def malformed(self) -> None:
        self._send(200, b'{"data": [{"id": "o1", "at"', {}, "application/json")

    def cut(self) -> None:
        """Send half of what was promised, then reset the connection."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b'{"data": [')
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _place(row: Any) -> str:
    """Return what the list is ordered by, as text that is ordered likewise."""
    return f"{row['at']} {row['id']}" if isinstance(row, dict) else f"2026-03-01 {row}"


_BREAKS: dict[Fault | None, Callable[[_Handler], None]] = {
    Fault.TOO_MANY: _Handler.too_many,
    Fault.ERRORS: _Handler.error,
    Fault.DOWN: _Handler.error,
    Fault.MALFORMED: _Handler.malformed,
    Fault.CUT: _Handler.cut,
}
