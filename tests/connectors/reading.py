"""Reads a real API through a connector that is declared on the spot."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from analyticspro.connectors import Page
from analyticspro.connectors.rest import RestConnector
from analyticspro.connectors.rest_source import RestSource
from analyticspro.extract import Timing
from tests.connectors.web import Get, Got, serving
from tests.local import NoSecrets

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEAST: dict[str, Any] = {"path": "deals", "key": ["id"], "event": "deal_won", "occurred_at": "at"}
AT = "2026-03-01T12:00:00Z"


def connector(url: str, *, source: dict[str, Any] | None = None, **stream: Any) -> RestConnector:
    table = {"name": "crm", "url": url, "streams": {"deals": {**LEAST, **stream}}}
    declared = RestSource.model_validate({**table, **(source or {})})
    return RestConnector(declared, NoSecrets(), Timing(sleep=lambda seconds: None))


def read(
    answer: Callable[[Get], Got],
    *,
    cursor: str | None = None,
    cursor_: dict[str, Any] | None = None,
    **stream: Any,
) -> tuple[list[Page], list[Get]]:
    """Return the pages, and what was asked; `cursor_` is that of the declaration."""
    if cursor_ is not None:
        stream["cursor"] = cursor_
    asked: list[Get] = []

    def noted(get: Get) -> Got:
        asked.append(get)
        return answer(get)

    with serving(noted) as url:
        reader = connector(url, **stream).read("deals", cursor, now=NOW)
        with closing(reader) as pages:  # type: ignore[type-var]
            return list(pages), asked
