"""What came since the rollups were made counts for every reader as of that reader's moment."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Reader, Warehouse, facts

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY_HAND = """
    SELECT date_trunc('{grain}', occurred_at)::TIMESTAMP AS bucket, name, count(*) AS events,
        sum(amount_minor)::BIGINT AS amount
    FROM events WHERE retired IS NULL GROUP BY ALL ORDER BY ALL"""
KEPT = """
    SELECT bucket::TIMESTAMP AS bucket, name, sum(events)::BIGINT AS events,
        sum(amount_minor)::BIGINT AS amount
    FROM ({facts}) GROUP BY ALL HAVING sum(events) > 0 ORDER BY ALL"""


def store(warehouse: Warehouse, *numbers: int, amount: int = 5) -> None:
    """Store orders by number, each in an hour of its own; one that is there is corrected."""
    rows = [
        {
            "event_id": f"o{number}",
            "name": "order_placed",
            "occurred_at": START - timedelta(hours=7 * number),
            "amount_minor": amount,
            "currency": "EUR",
            "properties": "{}",
            "version": amount,
        }
        for number in numbers
    ]
    events = pl.DataFrame(rows, schema=SCHEMA)
    with warehouse.writer() as writer, writer.commit(START):
        writer.store("till", "all", events, mode=WriteMode.MERGE, received_at=START, watermark=None)


def agrees(reader: Reader) -> bool:
    """Whether sums of each grain are those of the events of this reader's moment."""
    for grain in ("hour", "day", "month"):
        kept = reader.frame(KEPT.format(facts=facts(grain, reader.rolled)))
        if not kept.equals(reader.frame(BY_HAND.format(grain=grain))):
            return False
    return True


@pytest.fixture
def begun(warehouse: Warehouse) -> Warehouse:
    """A warehouse whose rollups hold three orders, and two have come since, one corrected."""
    store(warehouse, 1, 2, 3)
    warehouse.compact()
    store(warehouse, 4)
    store(warehouse, 2, amount=9)
    return warehouse


def test_each_reader_adds_up_what_no_other_has(begun: Warehouse):
    for number in range(40):
        with begun.reader(OWNER) as reader:
            assert reader.rolled.has_tail
            assert agrees(reader)
        store(begun, 10 + number // 2, amount=7 + number)


def test_a_reader_of_an_earlier_moment_is_told_of_that(begun: Warehouse):
    with ExitStack() as stack:
        early = stack.enter_context(begun.reader(OWNER))
        assert early.frame("SELECT count(*) AS n FROM events WHERE retired IS NULL")["n"][0] == 4
        store(begun, 5)
        with begun.reader(OWNER) as late:
            assert agrees(late)
        assert not early.rolled.has_tail  # it reads the events themselves, as ever
        bound = {"up_to": early.rolled.up_to, "zone": "UTC"}
        kept = early.frame(KEPT.format(facts=facts("day", early.rolled)), bound)
        assert kept.equals(early.frame(BY_HAND.format(grain="day")))


def test_what_the_rollups_took_in_is_not_counted_twice(begun: Warehouse):
    with begun.reader(OWNER) as reader:
        assert agrees(reader)
    store(begun, 6)
    begun.compact()
    store(begun, 6, 7, amount=11)
    with begun.reader(OWNER) as reader:
        assert reader.rolled.has_tail
        assert agrees(reader)


def test_rollups_made_up_to_the_midst_of_it_leave_the_rest(begun: Warehouse):
    with begun.reader(OWNER) as old:
        assert old.rolled.has_tail
        with begun.reader(OWNER) as reader:
            assert agrees(reader)
        begun.compact()
        store(begun, 8)
        with begun.reader(OWNER) as reader:
            assert agrees(reader)
        assert agrees(old)
