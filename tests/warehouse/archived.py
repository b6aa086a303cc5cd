"""Events that tests store and archive, and what is looked at then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Stored, Warehouse

NOW = datetime(2024, 6, 1, tzinfo=UTC)
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
JANUARY = date(2024, 1, 1)
QUARTER = "2024-Q1"
EVERYTHING = "SELECT * FROM events ORDER BY seq"


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def archive(warehouse: Warehouse, before: datetime = FEBRUARY) -> int:
    return sum(part.rows for part in warehouse.archive.run(before, at=NOW, progress=quiet))


def event(number: int, day: str, **more: Any) -> dict[str, Any]:
    told = {"event_id": str(number), "name": "order_placed", "properties": "{}"}
    return told | {"occurred_at": datetime.fromisoformat(day).replace(tzinfo=UTC)} | more


def store(
    warehouse: Warehouse,
    *rows: dict[str, Any],
    mode: WriteMode = WriteMode.MERGE,
    part: str = "p",
    is_whole: bool = False,
) -> Stored:
    with warehouse.writer() as writer, writer.commit(NOW):
        events = pl.DataFrame(list(rows), schema=SCHEMA)
        stored = writer.store("till", part, events, mode=mode, received_at=NOW, watermark=None)
        if is_whole:
            rejects = pl.DataFrame(schema={"line": pl.Int64})
            cursor = Cursor("f", 1, 1)
            writer.finish_part("till", part, seen=stored.seqs, rejects=rejects, cursor=cursor)
        return stored


def read(warehouse: Warehouse, sql: str, *, as_of: datetime | None = None) -> list[Any]:
    with warehouse.reader(OWNER, as_of=as_of) as reader:
        return reader.frame(sql).rows()


def live(warehouse: Warehouse) -> list[Any]:
    return read(
        warehouse,
        "SELECT event_id, amount_minor, part FROM events WHERE retired IS NULL ORDER BY ALL",
    )


def counts(warehouse: Warehouse) -> tuple[int, int]:
    """Return how many versions are in the table, and how many in the archive."""
    [found] = read(warehouse, "SELECT (SELECT count(*) FROM hot), (SELECT count(*) FROM archived)")
    return found
