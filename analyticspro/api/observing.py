"""What is seen of the api from outside: request ids, the log of requests, `/metrics`."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analyticspro import logs
from analyticspro.api import guard
from analyticspro.api.gate import OPEN, refusal
from analyticspro.api.guard import needs, template
from analyticspro.errors import AnalyticsProError
from analyticspro.policy import OWNER, Capability
from analyticspro.workspace import Workspace

__all__ = ["Figures", "Observed", "Reading", "scraping", "told_of"]

Reading = Callable[[], float | Mapping[str, float]]

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = frozenset("GET POST PUT PATCH DELETE HEAD OPTIONS".split())
_NO_ROUTE = "none"
_GONE = 499  # whoever asked did not wait for the answer; nginx's number for it
# Seconds: from an answer out of the cache to a sync that streams its progress.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


# Else each line of a counter is followed by one that says since when, which nothing asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Figures:
    """What `/metrics` tells. Whoever has a queue registers its length here."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "analyticspro_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "analyticspro_http_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        # Looking a child up by its labels costs more than counting with it.
        self._counting: dict[tuple[str, str, int], Counter] = {}
        self._timing: dict[tuple[str, str], Histogram] = {}

    def gauge(self, name: str, meaning: str, read: Reading, *, label: str = "name") -> None:
        """Tell a figure that is read when it is asked for.

        Args:
            name: Without the prefix `analyticspro_`; ends in its unit.
            meaning: A sentence.
            read: Gives the figure, or one for each value of `label`. It is called in a thread
                of its own and should cost next to nothing.
            label: What tells several figures apart.

        Raises:
            ValueError: The name is taken already.
        """
        self._registry.register(_Read(f"analyticspro_{name}", meaning, read, label))

    def collect(self, collector: Collector) -> None:
        """Tell what `collector` gives when it is asked."""
        self._registry.register(collector)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        known = self._counting.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status))
            self._counting[method, route, status] = known
        known.inc()
        timed = self._timing.get((method, route))
        if timed is None:
            timed = self._timing[method, route] = self._seconds.labels(method, route)
        timed.observe(seconds)

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)


@dataclass(frozen=True)
class _Read(Collector):
    name: str
    meaning: str
    read: Reading
    label: str

    def describe(self) -> Iterable[Metric]:
        """Name it without reading it, so that a name is noticed that is taken."""
        return [GaugeMetricFamily(self.name, self.meaning)]

    def collect(self) -> Iterable[Metric]:
        found = self.read()
        if isinstance(found, Mapping):
            family = GaugeMetricFamily(self.name, self.meaning, labels=[self.label])
            for value, figure in found.items():
                family.add_metric([value], figure)
            return [family]
        return [GaugeMetricFamily(self.name, self.meaning, value=found)]


@dataclass(frozen=True)
class _Stored(Collector):
    workspace: Workspace

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: reading takes the warehouse."""
        return []

    def collect(self) -> Iterable[Metric]:
        try:
            sources = self.workspace.sources(OWNER)
            revision = self.workspace.info(OWNER)["revision"]
        except AnalyticsProError as error:
            logs.error("warehouse not readable", error)
            sources, revision = None, None
        yield GaugeMetricFamily(
            "analyticspro_warehouse_readable",
            "1 if the stored data can be read, else 0; the log says why.",
            value=int(sources is not None),
        )
        if sources is not None:
            yield CounterMetricFamily(
                "analyticspro_commits", "Commits of the warehouse so far.", value=revision
            )
            yield from _of_sources(sources)


def _of_sources(sources: Sequence[Mapping[str, Any]]) -> Iterable[Metric]:
    def of_each(name: str, meaning: str, read: Callable[[Any], float], field: str) -> Metric:
        family = GaugeMetricFamily(f"analyticspro_{name}", meaning, labels=["source"])
        for source in sources:
            if source[field] is not None:
                family.add_metric([source["name"]], read(source[field]))
        return family

    yield of_each("records", "Records of a source that are in.", float, "records")
    yield of_each("rejects", "Records of a source that are set aside.", float, "rejected")
    yield of_each(
        "synced_timestamp_seconds", "Start of a source's last sync.", _moment, "synced_at"
    )
    yield of_each(
        "watermark_timestamp_seconds", "How far a source's data reaches.", _moment, "watermark"
    )


def _moment(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def told_of(workspace: Workspace) -> Figures:
    """Return the figures of a workspace: its data, its requests, its process."""
    figures = Figures()
    figures.collect(_Stored(workspace))
    return figures


def scraping(figures: Figures) -> APIRouter:
    """Return the route that Prometheus asks."""
    router = guard.router()

    @router.get(
        "/metrics",
        openapi_extra=needs(Capability.SOURCES_READ),
        response_model=None,
        responses={200: {"content": {"text/plain": {}}}},
    )
    def scrape() -> Response:
        """Tell requests, data, queues and process in Prometheus' text format."""
        return Response(figures.text(), headers={"Content-Type": _TEXT})

    return router


class Observed:
    """Gives each request an id, logs and counts it, and admits a failure.

    It stands before the gate, so that refusals are seen as well. Of a request it logs the
    route, never the path, the query, a header or the body: they may hold what is nobody's
    business. A failure is logged under the request's id, which its answer names.
    """

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._figures = figures

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
        tell = logs.info if status < 500 else logs.warning
        tell(
            "request",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            bytes=answer.size,
            scope=scope.get("state", {}).get("caller"),
        )


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
