"""An api on loopback that answers from frames, to each token from its own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.metrics.query import Filter, Query
from tests.dashboards.provider import FrameProvider


class FramesApi(ThreadingHTTPServer):
    """Answers `/v1/figures` as the real one does."""

    request_queue_size = 128  # its default of 5 refuses whoever comes with nineteen others

    def __init__(self, providers: Mapping[str, FrameProvider]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.providers = dict(providers)
        self.asked: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def frames_api(providers: Mapping[str, FrameProvider]) -> Iterator[FramesApi]:
    server = FramesApi(providers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FramesApi

    def do_POST(self) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        provider = self.server.providers.get(token)
        if provider is None:
            error = Forbidden("An admin can grant dashboard:read.")
            return self._send(403, {"error": error.payload()}, {})
        self.server.asked.append(len(body["queries"]))
        workspace = provider.workspace()
        now = workspace.pop("now")
        answers = provider.answers([_query(item) for item in body["queries"]])
        values = {name: {"values": provider.values(name)} for name in body["values"]}
        told = {"workspace": workspace, "values": values, "answers": [_wire(a) for a in answers]}
        return self._send(200, told, {"Analyticspro-Now": now})

    def _send(self, status: int, told: Any, headers: Mapping[str, str]) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _query(item: dict[str, Any]) -> Query:
    where = tuple(Filter(f["dimension"], tuple(f["values"]), f["exclude"]) for f in item["where"])
    made = Query.of(*item["metrics"], grain=item["grain"], by=item["by"], period=item["period"])
    return Query(made.metrics, made.grain, made.by, made.period, where, item["compare"])


def _wire(answer: Any) -> dict[str, Any]:
    if isinstance(answer, AnalyticsProError):
        return {"error": answer.payload()}
    buffer = BytesIO()
    answer.frame.write_ipc_stream(buffer)
    return {"arrow": base64.b64encode(buffer.getvalue()).decode(), "provenance": answer.provenance}
