"""What came since the rollups were made counts for every reader as of that reader's moment."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Reader, Warehouse, facts, members

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
            "customer_id": f"c{amount % 3}",
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


MEMBERS_BY_HAND = """
    SELECT occurred_at::DATE::TIMESTAMP AS bucket, name, count(*) AS events,
        count(DISTINCT customer_id) AS customers
    FROM events WHERE retired IS NULL GROUP BY ALL ORDER BY ALL"""
MEMBERS_KEPT = """
    SELECT bucket::TIMESTAMP AS bucket, name, sum(events)::BIGINT AS events,
        count(DISTINCT member) AS customers
    FROM (SELECT bucket, name, member, sum(events) AS events FROM ({members})
        GROUP BY ALL HAVING sum(events) > 0) GROUP BY ALL ORDER BY ALL"""


def agrees(reader: Reader) -> bool:
    """Whether sums and customers are those of the events of this reader's moment."""
    kept = reader.frame(MEMBERS_KEPT.format(members=members("customer_id", reader.rolled)))
    if not kept.equals(reader.frame(MEMBERS_BY_HAND)):
        return False
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
        assert agrees(early)


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
