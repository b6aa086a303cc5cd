"""How persons are erased in tests, and what is looked at then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject, Warehouse

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ANN, U1 = Subject(customers=("ann",)), Subject(users=("u1",))
QUARTER = "2024-Q1"
SOME = ("revenue", "active_customers", "sessions")
MARIE = "marie.curie.4711"


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def erase(warehouse: Warehouse, subject: Subject, at: datetime = NOW) -> dict[str, Any]:
    return warehouse.erasing.erase(subject, by="alice", reason=None, at=at, progress=quiet)


def event(number: int, customer: str | None, **more: Any) -> dict[str, Any]:
    return {
        "event_id": str(number),
        "name": "order_placed",
        "occurred_at": datetime(2024, 1, 1 + number % 28, tzinfo=UTC),
        "customer_id": customer,
        "properties": "{}",
    } | more


def store(warehouse: Warehouse, *rows: dict[str, Any], mode: WriteMode, at: datetime = NOW) -> Any:
    events = pl.DataFrame(list(rows), schema=SCHEMA)
    with warehouse.writer() as writer, writer.commit(at):
        return writer.store("till", "p", events, mode=mode, received_at=at, watermark=None)


def read(warehouse: Warehouse, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with warehouse.reader(OWNER) as reader:
        return reader.frame(sql, values).rows()
