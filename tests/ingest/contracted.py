"""Contracts in force, and events that are held to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from analyticspro.events import SCHEMA
from analyticspro.ingest.contracts import load, written
from analyticspro.ingest.deliveries import Delivery
from analyticspro.ingest.intake import Intake
from analyticspro.warehouse import Warehouse

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLANS = '[contracts.order_placed.properties]\nplan = {allowed = ["free", "pro"]}\n'


def declare(warehouse: Warehouse, folder: Path, text: str) -> None:
    """Put contracts in force, as the workspace does."""
    file = folder / "contracts.toml"
    file.write_text(text)
    warehouse.properties.declare(written(load(file)))


def frame(*properties: object, name: str = "order_placed", raw: Sequence[str] = ()) -> pl.DataFrame:
    rows = [
        (
            f"s:{n}",
            name,
            AT,
            None,
            None,
            None,
            None,
            None,
            each if isinstance(each, str) else json.dumps(each),
            raw[n] if raw else None,
            None,
        )
        for n, each in enumerate(properties)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def push(warehouse: Warehouse, *rows: tuple[object, ...]) -> Any:
    """Send events as the collector does."""
    delivery = Delivery("site", "events", rows, [(None, None, "is no event", "{}")], 100)

    async def sent() -> Any:
        intake = Intake(warehouse)
        try:
            return await intake.submit(delivery)
        finally:
            await asyncio.to_thread(intake.close)

    return asyncio.run(sent())


def pushed(n: int, properties: object, **raw: object) -> tuple[object, ...]:
    at = int(AT.timestamp() * 1e6)
    text = json.dumps(raw or {"properties": properties})
    return (
        f"site:{n}",
        "order_placed",
        at,
        None,
        None,
        None,
        None,
        None,
        json.dumps(properties),
        text,
    )
