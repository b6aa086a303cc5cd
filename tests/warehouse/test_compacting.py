"""Rollups and sessions are brought up to date by themselves."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.local import until

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def store(warehouse: Warehouse, *ids: str) -> None:
    events = pl.DataFrame(
        [
            {
                "event_id": one,
                "name": "page_viewed",
                "occurred_at": NOW,
                "user_id": "u",
                "properties": "{}",
            }
            for one in ids
        ],
        schema=SCHEMA,
    )
    with warehouse.writer() as writer, writer.commit(NOW):
        writer.store("web", "all", events, mode=WriteMode.APPEND, received_at=NOW, watermark=None)


def is_current(warehouse: Warehouse) -> bool:
    with warehouse.reader(OWNER) as reader:
        return reader.rolled.is_current and reader.sessions_up_to.is_current


@pytest.mark.soak
def test_a_few_events_are_taken_in_soon_after_and_those_after_them_too(tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    with closing(Warehouse.open(file, backups=tmp_path)) as warehouse:
        for event in ("a", "b"):
            store(warehouse, event)
            assert not is_current(warehouse)
            until(lambda: is_current(warehouse), seconds=60)


def test_closing_waits_for_nothing_that_is_not_due(tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    for event in ("a", "b", "c"):
        with closing(Warehouse.open(file, backups=tmp_path)) as warehouse:
            store(warehouse, event)
    with (
        closing(Warehouse.open(file, backups=tmp_path)) as warehouse,
        warehouse.reader(OWNER) as reader,
    ):
        assert reader.frame("SELECT count(*) AS n FROM hot")["n"].to_list() == [3]
