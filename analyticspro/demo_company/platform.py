"""The partner platform: a small HTTP API with lists that are read page by page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl

from analyticspro.demo import Tale
from analyticspro.demo_company.records import moment, money

__all__ = ["serving"]

# Each list: the stream of the story that it is of, and whether it is the part with money in it.
LISTS = {
    "partners": ("partners", False),
    "contracts": ("partners", True),
    "credits": ("credits", False),
    "purchases": ("credits", True),
    "events": ("events", None),
    "styles": ("styles", None),
}
_LARGEST_PAGE = 1_000


@contextmanager
def serving(tale: Tale, now: Callable[[], datetime], *, port: int) -> Iterator[int]:
    """Answer on this machine what the platform knows at `now`; yield the port.

    Args:
        tale: What it is told from.
        now: Asked for each request.
        port: If something else listens there, a free one is taken.
    """
    platform = _Platform(tale, now)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = platform.answer(self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="platform")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Platform:
    def __init__(self, tale: Tale, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lists = {name: _listed(tale, name) for name in LISTS}

    def answer(self, target: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """Return the answer to GET `target`: a page of a list, the oldest change first."""
        parts = urlsplit(target)
        name = parts.path.removeprefix("/v1/")
        if name not in self._lists:
            return HTTPStatus.NOT_FOUND, {"error": f"no list {parts.path}"}
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            size = min(int(given.get("limit", "100")), _LARGEST_PAGE)
            start = int(given.get("page", "0"))
            since = datetime.fromisoformat(given.get("updated_since", "1970-01-01T00:00:00Z"))
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        times, records = self._lists[name]
        low, high = times.search_sorted(since), times.search_sorted(self._now())
        page = records[low + start : min(low + start + size, high)]
        # A token is a place behind `since`: what changes meanwhile comes at the end.
        more = str(start + size) if low + start + size < high else None
        return HTTPStatus.OK, {"data": page, "next_page": more}


def _listed(tale: Tale, name: str) -> tuple[pl.Series, list[dict[str, Any]]]:
    """Return when each record is known, and the record as the platform tells it."""
    stream, is_money = LISTS[name]
    frame = tale.between(stream, None, tale.end)
    if is_money is not None:
        column = "value" if stream == "partners" else "amount"
        frame = frame.filter(pl.col(column).is_not_null() == is_money).with_columns(money(column))
    times = frame["known_at"]
    if name == "events":
        is_held = pl.col("status") == "held"
        frame = frame.with_columns(at=pl.when(is_held).then("starts_at").otherwise("known_at"))
    moments = [moment(c) for c, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    frame = frame.with_columns(moments).rename({"known_at": "updated_at"})
    if "partner" in frame.columns:
        kind = [] if name == "events" else ["kind"]
        partner = pl.struct(pl.col("partner").alias("id"), "name", "tier", "country", *kind)
        frame = frame.with_columns(partner=partner).drop("name", "tier", "country", *kind)
    return times, frame.to_dicts()
