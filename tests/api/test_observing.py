"""Each request has an id, is logged without what is nobody's business, and is counted."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import ASGIApp, Receive, Scope, Send

from analyticspro import logs
from analyticspro.api.callers import Caller
from analyticspro.api.observed import Alike, Observed
from analyticspro.api.observing import Figures, scraping
from analyticspro.config import Home
from tests.api.server import Reply, Server
from tests.local import free_port, until

ID = "x-request-id"


def logged(home: Home, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of one request. It is noted once its answer is out, so wait for it."""

    def found() -> list[dict[str, Any]]:
        text = logs.log_file(home, "api").read_text().splitlines()
        lines = [json.loads(line) for line in text]
        return [line for line in lines if line.get("request_id") == request_id]

    until(lambda: any(line["event"] == "request" for line in found()))
    return found()


def figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(server: Server, name: str, **labels: str) -> float | None:
    read = figures(server.call("GET", "/metrics").body.decode())
    return read.get((f"analyticspro_{name}", frozenset(labels.items())))


class TestRequests:
    def test_an_id_that_was_given_comes_back(self, server: Server):
        for given in ("abc-123", "A.b_c:d", "x" * 128):
            reply = server.call("GET", "/v1/workspace", headers={"X-Request-ID": given})
            assert reply.headers[ID] == given

    @pytest.mark.parametrize(
        "given", ["", "two words", "x" * 129, '"}', "<b>", "é", "a\tb"], ids=repr
    )
    def test_one_that_is_not_sane_does_not(self, given: str, server: Server):
        reply = server.call("GET", "/v1/workspace", headers={"X-Request-ID": given})
        assert len(reply.headers[ID]) == 16
        assert reply.status == 200

    def test_without_one_each_has_its_own(self, server: Server):
        ids = {server.call("GET", "/healthz").headers[ID] for _ in range(20)}
        assert len(ids) == 20

    def test_a_refusal_has_one_too(self, server: Server):
        for reply in (
            server.call("GET", "/v1/workspace", token=None),
            server.call("GET", "/nowhere"),
            server.call("POST", "/v1/query", raw=b"{"),
            server.call("POST", "/v1/query", raw=b"x" * 2_000_000),
        ):
            assert reply.status >= 400
            assert reply.headers[ID]

    def test_it_is_logged_by_its_route(self, server: Server):
        path = "/v1/dimensions/country/values?password=hunter2"
        reply = server.call("GET", path, headers={"X-Secret": "hunter2"})
        [line] = logged(server.home, reply.headers[ID])
        assert line.pop("at").endswith("+00:00")
        assert line.pop("duration_ms") > 0
        assert line == {
            "level": "info",
            "service": "api",
            "event": "request",
            "request_id": reply.headers[ID],
            "method": "GET",
            "route": "/v1/dimensions/{name}/values",
            "status": 200,
            "bytes": len(reply.body),
            "scope": "owner",
        }

    @pytest.mark.parametrize(
        ("method", "path", "token", "expected"),
        [
            ("GET", "/v1/workspace", None, ("GET", "none", 401, None)),
            ("GET", "/v1/nowhere/hunter2", "", ("GET", "none", 404, "owner")),
            ("GET", "/v1/query", "", ("GET", "/v1/query", 405, "owner")),
            ("PROPFIND", "/v1/query", "", ("other", "/v1/query", 405, "owner")),
            ("GET", "/v1/sources/hunter2/rejects", "",
             ("GET", "/v1/sources/{name}/rejects", 422, "owner")),
        ],
    )  # fmt: skip
    def test_a_refusal_is_logged(
        self, method: str, path: str, token: str | None, expected: tuple[Any, ...], server: Server
    ):
        reply = server.call(method, path, token=token)
        [line] = logged(server.home, reply.headers[ID])
        assert tuple(line[name] for name in ("method", "route", "status", "scope")) == expected

    def test_nothing_secret_is_in_the_log(self, server: Server):
        server.call("GET", f"/v1/workspace?token={server.home.token()}")
        server.call("GET", f"/{server.home.token()}", headers={"Cookie": "hunter2"})
        last = server.call("POST", "/v1/query", {"metrics": ["hunter2"]}).headers[ID]
        assert logged(server.home, last)
        written = logs.log_file(server.home, "api").read_text()
        assert server.home.token() not in written
        assert "hunter2" not in written

    def test_who_only_asks_whether_it_lives_is_not_logged(self, server: Server):
        quiet = server.call("GET", "/readyz").headers[ID]
        assert logged(server.home, server.call("GET", "/v1/workspace").headers[ID])
        assert quiet not in logs.log_file(server.home, "api").read_text()


def test_of_very_many_alike_some_lines_are_left_out_and_counted():
    alike = Alike()
    told = [alike.left_out("/v1/batch", 7 + number / 1000) for number in range(250)]
    assert told == [0] * 100 + [None] * 150
    assert alike.left_out("/v1/query", 7.5) == 0  # another route's lines are its own
    assert [alike.left_out("/v1/batch", 8.0), alike.left_out("/v1/batch", 8.1)] == [150, 0]


class TestMetrics:
    def test_they_are_in_prometheus_text(self, server: Server):
        reply = server.call("GET", "/metrics")
        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(reply.body.decode()))
        assert len({family.name for family in families}) == len(families) > 10
        assert all(family.documentation for family in families)
        assert {"process_resident_memory_bytes", "process_open_fds"} <= {f.name for f in families}

    def test_requests_are_counted_and_timed(self, server: Server):
        told = {"method": "GET", "route": "/v1/sources/{name}/rejects", "status": "422"}
        before = value(server, "http_requests_total", **told) or 0
        for name in ("one", "two", "three"):
            assert server.call("GET", f"/v1/sources/{name}/rejects").status == 422
        assert value(server, "http_requests_total", **told) == before + 3
        del told["status"]
        timed = value(server, "http_request_duration_seconds_count", **told)
        assert timed is not None
        assert timed >= 3
        assert value(server, "http_request_duration_seconds_bucket", **told, le="+Inf") == timed

    def test_what_callers_make_up_makes_no_new_figures(self, server: Server):
        for number, method in enumerate(("PROPFIND", "MKCOL", "COPY", "MOVE", "LOCK")):
            server.call("GET", f"/made/up/{number}")
            server.call(method, "/v1/query")
        text = server.call("GET", "/metrics").body.decode()
        assert "made" not in text.lower()
        assert value(server, "http_requests_total", method="GET", route="none", status="404")
        told = {"method": "other", "route": "/v1/query", "status": "405"}
        assert value(server, "http_requests_total", **told)

    def test_the_data_is_told(self, server: Server):
        revision = server.call("GET", "/v1/workspace").json["revision"]
        assert value(server, "commits_total") == revision
        assert value(server, "warehouse_readable") == 1
        [source] = server.call("GET", "/v1/sources").json["sources"]
        for name, field in (("records", "records"), ("rejects", "rejected")):
            assert value(server, name, source=source["name"]) == source[field]


class Waiting(Exception):
    """What goes wrong in the routes below."""


class AsOwner:
    """Stands where the gate does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["identity"] = Caller.owner()
        await self._app(scope, receive, send)


def failing() -> FastAPI:
    """An app that fails in every way there is, observed as the api is."""
    app, told = FastAPI(), Figures()
    told.gauge("queued", "Requests that wait.", lambda: 7)
    told.gauge("lag", "Seconds behind.", lambda: {"a": 1.5, 'b"\n': 2}, label="stream")
    with pytest.raises(ValueError, match="queued"):
        told.gauge("queued", "Taken already.", lambda: 8)
    app.add_middleware(AsOwner)
    app.add_middleware(Observed, figures=told)
    app.include_router(scraping(told))

    @app.get("/fails/{name}")
    def fails(name: str) -> None:
        raise Waiting(f"for {name}")

    @app.get("/breaks")
    async def breaks() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise Waiting("for the rest")

        return StreamingResponse(pieces())

    @app.get("/tells/{number}")
    def tells(number: int) -> dict[str, int]:
        logs.info("told", number=number)
        return {"number": number}

    return app


@contextmanager
def served(app: FastAPI) -> Iterator[int]:
    port = free_port()
    config = uvicorn.Config(app, port=port, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


@pytest.fixture
def port(home: Home) -> Iterator[int]:
    with logs.writing(home, "api"), served(failing()) as found:
        yield found


class TestFailures:
    def test_a_failure_is_admitted_under_an_id_that_can_be_quoted(self, home: Home, port: int):
        reply = get(port, "/fails/hunter2", {"X-Request-ID": "quote-me"})
        assert (reply.status, reply.headers[ID]) == (500, "quote-me")
        assert reply.json["error"]["code"] == "error"
        assert "request id quote-me" in reply.json["error"]["message"]
        assert "Waiting" not in reply.body.decode()  # what went wrong is for the log
        failed, request = logged(home, "quote-me")
        assert (failed["event"], failed["level"]) == ("failed", "error")
        assert failed["route"] == "/fails/{name}"
        assert "in fails" in failed["traceback"]
        assert (request["status"], request["level"]) == (500, "warning")

    def test_one_in_the_midst_of_an_answer_breaks_it_off(self, home: Home, port: int):
        with pytest.raises(http.client.IncompleteRead):
            get(port, "/breaks", {"X-Request-ID": "broken"})
        lines = logged(home, "broken")
        assert [line["event"] for line in lines] == ["failed", "request"]
        assert "for the rest" in lines[0]["traceback"]
        assert lines[1]["bytes"] == len("half")

    def test_requests_at_once_do_not_mix_their_ids(self, home: Home, port: int):
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda number: get(port, f"/tells/{number}"), range(40)))
        for number, reply in enumerate(replies):
            told, _ = logged(home, reply.headers[ID])
            assert told["number"] == number

    def test_figures_of_others_are_told_with_theirs(self, port: int):
        read = figures(get(port, "/metrics").body.decode())
        assert read["analyticspro_queued", frozenset()] == 7
        assert read["analyticspro_lag", frozenset({("stream", "a")})] == 1.5
        assert read["analyticspro_lag", frozenset({("stream", 'b"\n')})] == 2
