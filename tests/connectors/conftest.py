"""Reads real files through a source declared on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Source, parse, parts, read_part

DECLARED: dict[str, Any] = {
    "name": "shop",
    "event": "order_placed",
    "occurred_at": "at",
    "customer_id": "who",
    "amount": "paid",
    "currency": "GBP",
}


@dataclass
class Read:
    """What came out of a file: events and rejects as rows, and counts."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    rounded: int = 0
    records: int = 0


Reading = Callable[..., Read]


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Source]:
    """Declare a source of the CSV files in `tmp_path`; None takes a setting away."""

    def declared(**changes: Any) -> Source:
        table = {"path": str(tmp_path / "*.csv*")} | DECLARED | changes
        return parse({name: value for name, value in table.items() if value is not None}, "shop")

    return declared


@pytest.fixture
def read(tmp_path: Path, declare: Callable[..., Source]) -> Reading:
    """Write a file and read it: `read(text, currency="EUR")`."""

    def reading(content: str | bytes, name: str = "orders.csv", **changes: Any) -> Read:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        found = Read()
        source = declare(**changes)
        for part in parts(source):
            for batch in read_part(source, part):
                found.events += batch.events.to_dicts()
                found.rejects += batch.rejects.to_dicts()
                found.rounded += batch.rounded
                found.records += batch.records
        return found

    return reading
