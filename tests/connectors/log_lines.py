"""Logs that tests write and read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyticspro.connectors import parse
from analyticspro.connectors.logs import STREAM, LogsConnector
from analyticspro.connectors.logs_source import LogsSource

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
AGENT = '"https://example.com/a?id=7" "Mozilla/5.0 (X11)"'
LINE = (
    '192.0.2.17 - ann [31/Jan/2026:10:00:00 +0100] "GET /shop/cup?page=2&token=s3cret HTTP/1.1" '
    f"200 512 {AGENT}"
)


@dataclass
class Read:
    """What came out of a log."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0

    @property
    def properties(self) -> list[dict[str, Any]]:
        return [json.loads(event["properties"]) for event in self.events]


def declared(path: Path, **more: Any) -> LogsSource:
    source = parse({"name": "web", "connector": "logs", "path": str(path), **more}, "sources.toml")
    assert isinstance(source, LogsSource)
    return source


def read(path: Path, content: str | bytes, **more: Any) -> Read:
    log = path / "access.log"
    log.write_bytes(content.encode() if isinstance(content, str) else content)
    connector = LogsConnector(declared(log, **more))
    found = Read()
    for page in connector.read(STREAM, None, now=NOW):
        found.events += page.batch.events.to_dicts()
        found.rejects += page.batch.rejects.to_dicts()
        found.records += page.batch.records
    return found


JSON_LOG = {"format": "ndjson", "event": "logged", "occurred_at": "at"}
