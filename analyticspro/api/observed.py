"""Watches every request go by: gives it an id, logs it, counts it, admits a failure."""

from __future__ import annotations

import re
import secrets
import time

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analyticspro import logs
from analyticspro.api.gate import OPEN, refusal
from analyticspro.api.guard import template
from analyticspro.api.observing import Figures
from analyticspro.errors import AnalyticsProError

__all__ = ["Alike", "Observed"]

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = frozenset("GET POST PUT PATCH DELETE HEAD OPTIONS".split())
_NO_ROUTE = "none"
_MOST_A_SECOND = 100  # lines about one route
_GONE = 499  # whoever asked did not wait for the answer; nginx's number for it


class Observed:
    """Gives each request an id, logs and counts it, and admits a failure.

    It stands before the gate, so that refusals are seen as well. Of a request it logs the
    route, never the path, the query, a header or the body: they may hold what is nobody's
    business. A failure is logged under the request's id, which its answer names.
    """

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._figures = figures
        self._alike = Alike()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        logs.request_id.set(request_id)  # each request is a task with variables of its own
        answer = _Answer(send, request_id.encode())
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = answer.status or _GONE
        except Exception as error:
            logs.error("failed", error, method=_method(scope), route=_route(scope))
            if answer.status:
                raise  # it cannot be taken back: the server breaks the connection off
            await _failure(scope, request_id)(scope, receive, answer.send)
        finally:
            self._note(scope, answer, time.perf_counter() - started)

    def _note(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        method, route, status = _method(scope), _route(scope), answer.status or _GONE
        self._figures.count(method, route, status, seconds)
        if scope["path"] in OPEN:
            return  # asked every few seconds by whoever watches: it would drown the rest
        left_out = self._alike.left_out(route, time.monotonic()) if status < 400 else 0
        if left_out is None:
            return
        tell = logs.info if status < 500 else logs.warning
        tell(
            "request",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            bytes=answer.size,
            scope=scope.get("state", {}).get("caller"),
            **({"left_out_before": left_out} if left_out else {}),
        )


class Alike:
    """Thins out lines about requests of one route that all went well: `/metrics` counts them."""

    def __init__(self) -> None:
        self._second: dict[str, tuple[int, int, int]] = {}

    def left_out(self, route: str, now: float) -> int | None:
        """Return how many were left out before the one to be told; None to leave it out too."""
        second, told, left_out = self._second.get(route, (0, 0, 0))
        if second != int(now):
            second, told = int(now), 0
        is_told = told < _MOST_A_SECOND
        self._second[route] = (second, told + is_told, 0 if is_told else left_out + 1)
        return left_out if is_told else None


class _Answer:
    """Watches an answer go by: its status and size; and puts the request's id on it."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0  # not begun
        self.size = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._request_id)]
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """Return the id the caller gave, if it can stand in a log and a message; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _ID.fullmatch(given):
                return str(given)
    return secrets.token_hex(8)


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "other"  # a caller may make any up


def _route(scope: Scope) -> str:
    """Return the template of the route, such as /v1/sources/{name}/rejects."""
    # None: answered before the framework, or by nobody.
    return template(scope) or str(scope.get("state", {}).get("route", _NO_ROUTE))


def _failure(scope: Scope, request_id: str) -> Response:
    place = f"{scope['method']} {scope['path']}"
    error = AnalyticsProError(
        f"{place} failed. The api's log says why, under the request id {request_id}."
    )
    return refusal(error, 500)
