"""The generic REST connector under the conformance suite, once for each way of paging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from analyticspro.connectors import Connector
from analyticspro.connectors.rest import RestConnector
from analyticspro.connectors.rest_source import RestSource
from analyticspro.extract import Timing
from tests.connectors.conformance.api_server import PAGE, Api, ApiServer
from tests.connectors.conformance.harness import STREAM, Fault, Record

PAGINGS: dict[str, dict[str, Any]] = {
    "link": {"path": "link", "paging": {"by": "link"}},
    "next_url": {
        "path": "next",
        "records": "data",
        "paging": {"by": "next_url", "body": "link"},
    },
    "offset": {
        "path": "offset",
        "records": "data",
        "paging": {"by": "offset", "parameter": "offset"},
    },
    "page": {"path": "page", "records": "data", "paging": {"by": "page", "parameter": "page"}},
    "cursor": {
        "path": "cursor",
        "records": "data",
        "paging": {
            "by": "cursor",
            "parameter": "after",
            "body": "next",
            "more": "has_more",
        },
    },
    "lines": {"path": "lines", "format": "ndjson", "paging": {"by": "link"}},
}


class Token:
    """A place of secrets that holds one."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get(self, source: str, name: str) -> str:
        return self.value


class RestHarness:
    """A real API, and a connector that is declared for it."""

    def __init__(self, paging: str, *, newest_first: bool = False) -> None:
        self.api = Api(newest_first=newest_first)
        self.server = ApiServer(self.api)
        self._waits: list[float] = []
        self.timing = Timing(sleep=self._waits.append, chance=lambda: 0.5)
        self._paging = PAGINGS[paging]

    def connector(self) -> Connector:
        source = RestSource.model_validate(
            {
                "name": "shop",
                "url": self.server.url,
                "auth": {
                    "token_url": f"{self.server.url}/token",
                    "client_id": "me",
                    "client_secret": "client",
                },
                "streams": {STREAM: {**_MAPPING, **self._paging}},
            }
        )
        return RestConnector(source, Token("secret-of-the-client"), self.timing)

    def put(self, records: Sequence[Record]) -> None:
        for record in records:
            self.api.put(record)

    def put_raw(self, raw: object) -> None:
        self.api.rows[f"raw{len(self.api.rows)}"] = (datetime(2026, 3, 1, tzinfo=UTC), raw)

    def delete(self, ids: Sequence[str]) -> None:
        for name in ids:
            del self.api.rows[name]

    def order(self, ids: Sequence[str]) -> None:
        self.api.fixed_order = list(ids)

    def fail(self, fault: Fault, page: int) -> None:
        self.api.faults[self.api.pages + page] = fault

    def repeat(self, records: int) -> None:
        self.api.repeats = records

    def waits(self) -> list[float]:
        return self._waits

    def between_pages(self, act: Callable[[int], None]) -> None:
        begun = self.api.pages
        self.api.after_page = lambda page: act(page - begun)

    def stop(self) -> None:
        self.server.stop()


_MAPPING = {
    "key": ["id"],
    "version": "at",
    "event": "order_placed",
    "occurred_at": "at",
    "amount": "total",
    "currency": "EUR",
    "cursor": {"field": "at", "parameter": "since", "lookback": 3600},
}

__all__ = ["PAGE", "PAGINGS", "RestHarness", "Token"]
