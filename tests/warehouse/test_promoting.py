"""Columns of promoted properties: filled by and by, whatever happens meanwhile.

That figures by them are right at every moment is proved in tests/metrics/test_promoted.py.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from analyticspro.errors import RetriableError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.schema import MIGRATIONS
from tests.filling import VERSIONS_PER_STEP
from tests.writers import opened

ROOT = Path(__file__).parent.parent.parent
AT = datetime(2024, 1, 1, tzinfo=UTC)


def stored(warehouse: Warehouse, values: list[Any], first: int = 0) -> None:
    """Store an event with each of `values` as its coupon."""
    rows = [
        {
            "event_id": str(number),
            "name": "order_placed",
            "occurred_at": AT,
            "properties": json.dumps({"coupon": value}),
        }
        for number, value in enumerate(values, start=first)
    ]
    with warehouse.writer() as writer, writer.commit(AT):
        events = pl.DataFrame(rows, schema=SCHEMA)
        mode = WriteMode.APPEND
        writer.store("shop", "p", events, mode=mode, received_at=AT, watermark=None)


def promoted(warehouse: Warehouse) -> None:
    warehouse.promoting.promote("coupon", "order_placed", "coupon", at=AT)


def told(warehouse: Warehouse) -> Counter[str | None]:
    with warehouse.reader(OWNER) as reader:
        return Counter(reader.frame("SELECT promoted_coupon FROM events")["promoted_coupon"])


def in_the_table(warehouse: Warehouse) -> int:
    """Return how many rows of the table have a value of their own."""
    with warehouse.reader(OWNER) as reader:
        found: int = reader.frame("SELECT count(promoted_coupon) FROM hot").item()
        return found


def test_kills_while_it_is_filled_change_nothing(tmp_path: Path):
    drawn = random.Random(4)
    values = [f"X{drawn.randrange(50)}" for _ in range(20_000)]
    warehouse = opened(tmp_path)
    stored(warehouse, values)
    promoted(warehouse)
    warehouse.close()
    reached = []
    for _ in range(4):
        lines = drawn.randrange(1, 25)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.filling", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                assert process.stdout.readline() == b"filled\n"
            time.sleep(drawn.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.read().count(b"filled\n")
        warehouse = opened(tmp_path)
        [state] = warehouse.promoting.state()
        done = state.filled_to - (reached[-1] if reached else 0)
        assert lines * VERSIONS_PER_STEP <= done <= (lines + 1) * VERSIONS_PER_STEP
        assert in_the_table(warehouse) == state.filled_to < state.wanted_to == len(values)
        assert told(warehouse) == Counter(values)
        warehouse.close()
        reached.append(state.filled_to)
    warehouse = opened(tmp_path)
    warehouse.promoting.fill()
    assert in_the_table(warehouse) == len(values)
    assert told(warehouse) == Counter(values)
    warehouse.close()


def test_it_is_filled_in_the_background_with_its_progress_told(warehouse: Warehouse):
    values = [f"X{number % 7}" for number in range(1_000)]
    stored(warehouse, values)
    promoted(warehouse)
    assert in_the_table(warehouse) == 0
    steps: list[tuple[int, int]] = []
    warehouse.promoting.start()
    warehouse.promoting.wait("coupon", lambda done, total: steps.append((done, total)))
    assert steps[-1] == (1_000, 1_000)
    assert in_the_table(warehouse) == 1_000


def test_who_waits_is_told_if_nobody_fills(warehouse: Warehouse):
    stored(warehouse, ["X1"])
    promoted(warehouse)
    with pytest.raises(RetriableError, match="coupon can be asked by, but"):
        warehouse.promoting.wait("coupon", lambda done, total: None)


def test_what_is_demoted_meanwhile_is_waited_for_no_more(warehouse: Warehouse):
    stored(warehouse, ["X1"])
    promoted(warehouse)
    warehouse.promoting.demote("coupon", at=AT)
    warehouse.promoting.wait("coupon", lambda done, total: None)
    with warehouse.reader(OWNER) as reader:
        assert "promoted_coupon" not in reader.frame("FROM events").columns
    stored(warehouse, ["X2"], first=1)


def test_a_reader_sees_the_columns_of_its_moment(warehouse: Warehouse):
    stored(warehouse, ["X1", "X2"])
    with warehouse.reader(OWNER) as before:
        assert before.frame("FROM events").height == 2
        promoted(warehouse)
        assert "promoted_coupon" not in before.frame("FROM events").columns
        with warehouse.reader(OWNER) as between:
            count = "SELECT count(promoted_coupon) AS n FROM events"
            assert between.frame(count).item() == 2
            warehouse.promoting.fill()
            warehouse.promoting.demote("coupon", at=AT)
            assert between.frame(count).item() == 2
            assert before.frame("FROM events").height == 2
        with warehouse.reader(OWNER) as after:
            assert "promoted_coupon" not in after.frame("FROM events").columns


def test_an_earlier_moment_is_read_by_what_is_promoted_now(warehouse: Warehouse):
    stored(warehouse, ["X1"])
    promoted(warehouse)
    with warehouse.reader(OWNER, as_of=AT) as reader:
        warehouse.promoting.demote("coupon", at=AT)
        assert reader.frame("SELECT promoted_coupon FROM events").item() == "X1"


def test_a_file_of_the_schema_before_can_be_promoted_in(tmp_path: Path):
    file = tmp_path / "w.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        for number, step in enumerate(MIGRATIONS[:2], start=1):
            connection.execute(step)
            connection.execute("INSERT INTO schema_version VALUES ($1)", [number])
    warehouse = opened(tmp_path)
    stored(warehouse, ["X1"])
    promoted(warehouse)
    assert told(warehouse) == Counter(["X1"])
    warehouse.close()
