"""What is seen of the api from outside: `/metrics`."""

from __future__ import annotations

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

from analyticspro import logs
from analyticspro.api import guard
from analyticspro.api.guard import needs
from analyticspro.errors import AnalyticsProError
from analyticspro.policy import OWNER, Capability
from analyticspro.workspace import Workspace

__all__ = ["Figures", "Reading", "scraping", "told_of"]

Reading = Callable[[], float | Mapping[str, float]]

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
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
