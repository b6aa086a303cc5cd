"""Metrics of properties that are no column of the events, and what of them can be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.events import SCHEMA
from analyticspro.grain import WeekStart
from analyticspro.ingest import load_events
from analyticspro.metrics.compile import measured
from analyticspro.metrics.cut import Cut
from analyticspro.metrics.model import Aggregation, Only, Property, Simple, Unit
from analyticspro.policy import OWNER
from tests.metrics.shop import Shop, told

EVERYTHING = Cut(
    start=datetime(2024, 1, 1),
    end=datetime(2025, 1, 1),
    zone=ZoneInfo("UTC"),
    week_start=WeekStart.MONDAY,
    grain=None,
    by=(),
    where=(),
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Shop.at(tmp_path) as opened:
        yield opened


def holds(shop: Shop, *properties: str) -> None:
    """Make this all that there is: events `done`, with these properties as they are written."""
    rows = [
        {
            "event_id": f"shop:{number}",
            "name": "done",
            "occurred_at": datetime(2024, 5, 1, tzinfo=UTC),
            "properties": text,
        }
        for number, text in enumerate(properties)
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA)
    load_events("shop", frame, shop.warehouse, progress=lambda _: None)


def asked(shop: Shop, *metrics: Simple) -> tuple[object, ...]:
    with shop.warehouse.reader(OWNER) as reader:
        found = measured(metrics, EVERYTHING, reader.rolled)
        return reader.frame(found.sql, found.values).select(m.name for m in metrics).row(0)


def of(column: Property | None, aggregation: Aggregation = Aggregation.SUM, *where: Only) -> Simple:
    return Simple(
        name=f"figure_{aggregation}",
        title="Figure",
        meaning="A figure.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=(),
        events=("done",),
        aggregation=aggregation,
        column=column,
        where=where,
    )


@pytest.mark.parametrize(
    ("written", "total"),
    [
        pytest.param(("0.1", "0.2"), "0.3", id="to the digit, as binary fractions are not"),
        pytest.param(("123456789012345678", "1"), "123456789012345679", id="18 digits"),
        pytest.param(("0.000000001", "1e3"), "1000.000000001", id="a billionth, and an exponent"),
        pytest.param(('"2.5"', '" 1 "'), "3.5", id="numbers that came as texts"),
        pytest.param(("-4", '"-1"'), "-5", id="below nothing"),
        pytest.param(('"3 pcs"', '"1,5"', '"NaN"', '""'), "0", id="what nobody can add up"),
        pytest.param(("null", "true", "[1]", '{"a": 1}', "7"), "7", id="what is no number"),
        pytest.param(("1e30", "1"), "1", id="beyond what is exact"),
    ],
)
def test_numbers_are_added_up_exactly(shop: Shop, written: tuple[str, ...], total: str):
    holds(shop, *(f'{{"credits": {text}}}' for text in written), "{}")
    credits_ = Property("credits", "number")
    [found] = asked(shop, of(credits_))
    assert found == Decimal(total)
    [count] = asked(shop, of(credits_, Aggregation.COUNT))
    assert (count == 0) is (Decimal(total) == 0)


def test_so_many_large_numbers_do_not_run_over(shop: Shop):
    holds(shop, *(['{"credits": 999999999999999999}'] * 1_000))
    assert asked(shop, of(Property("credits", "number"))) == (Decimal(999_999_999_999_999_999_000),)


def test_a_percentile_lies_between_its_neighbours_and_is_null_of_nothing(shop: Shop):
    seconds = Property("seconds", "number")
    holds(shop, '{"seconds": 1}', '{"seconds": "2"}', '{"seconds": 10}', '{"seconds": 20}', "{}")
    found = asked(shop, of(seconds, Aggregation.MEDIAN), of(seconds, Aggregation.P95))
    assert found == (6.0, pytest.approx(18.5))
    holds(shop, '{"seconds": "soon"}')
    assert asked(shop, of(seconds, Aggregation.MEDIAN)) == (None,)


def test_a_percentile_beside_what_is_rolled_up_is_null_too(shop: Shop):
    shop.holds([told("2024-05-01", "done"), told("2024-05-02", "done", quantity=3)])
    shop.warehouse.compact()
    median = of(Property("minutes", "number"), Aggregation.MEDIAN)
    assert asked(shop, of(None, Aggregation.COUNT), median) == (2, None)


def test_distinct_texts_of_an_inner_property(shop: Shop):
    holds(shop, '{"a": {"b": "x"}}', '{"a": {"b": "x"}}', '{"a": {"b": "y"}}', '{"a.b": "z"}')
    assert asked(shop, of(Property("a.b"), Aggregation.COUNT_DISTINCT)) == (2,)


def test_only_those_that_pass_are_counted(shop: Shop):
    wicked = """it's "high"; DROP TABLE events; --"""
    shop.holds(
        [
            told("2024-05-01", "done", priority=wicked, topic="a"),
            told("2024-05-02", "done", priority="low", topic="a"),
            told("2024-05-03", "done", priority=wicked, topic="b"),
            told("2024-05-04", "done", topic="a"),
        ]
    )
    is_wicked, is_a = Only(Property("priority"), (wicked,)), Only(Property("topic"), ("a",))
    is_not = Only(Property("priority"), (wicked,), exclude=True)
    assert asked(shop, of(None, Aggregation.COUNT, is_wicked, is_a)) == (1,)
    assert asked(shop, of(None, Aggregation.COUNT, is_not, is_a)) == (2,)
    shop.warehouse.compact()
    assert asked(shop, of(None, Aggregation.COUNT, is_wicked)) == (2,)


def test_a_measure_says_what_one_of_it_is(shop: Shop):
    holds(shop, '{"minutes": 1.5}')
    minutes = of(Property("minutes", "number"))
    other = Simple(**(vars(minutes) | {"unit": Unit.SECONDS, "one_is": Fraction(60)}))
    assert asked(shop, other) == (90.0,)


@pytest.mark.parametrize("path", ["", "a b", 'a"', "a'", "$", "a.", ".a", "A", "a..b", "*"])
def test_a_property_is_named_plainly(path: str):
    with pytest.raises(DefinitionError, match="cannot name a property"):
        Property(path)


def test_a_value_of_a_property_that_is_misspelt_is_told(shop: Shop):
    shop.holds([told("2024-05-01", "ticket_opened", topic="billing")])
    with pytest.raises(UnknownName, match="Did you mean 'billing'"):
        shop.rows("tickets_opened", where={"topic": "biling"})
    assert shop.rows("tickets_opened", where={"topic": "billing"}) == [(1,)]


def test_used_up_is_of_all_credits_together_not_the_mean_of_each_partners(shop: Shop):
    """Source: semantics.md: 90 of 100 and 10 of 1,000 are 9.1 %, not 45.5 %."""
    shop.holds(
        [
            told("2024-01-01", "credits_granted", customer="a", partner="Alba", quantity=100),
            told("2024-01-02", "credits_bought", customer="b", partner="Bora", quantity=1_000),
            told("2024-02-03", "credits_used", customer="a", partner="Alba", quantity=90),
            told("2024-03-04", "credits_used", customer="b", partner="Bora", quantity=10),
        ]
    )
    [(share,)] = shop.rows("credit_consumption")
    assert round(share, 3) == 0.091  # type: ignore[call-overload]
    assert shop.rows("credit_consumption", by="partner") == [("Alba", 0.9), ("Bora", 0.01)]
    months = shop.rows("credit_consumption", grain="month", period="2024-Q1")
    assert [row[1] for row in months] == [0.0, pytest.approx(90 / 1100), pytest.approx(100 / 1100)]


def test_subscriptions_by_the_month_and_by_the_year_are_worth_so_much_a_month(shop: Shop):
    """Source: semantics.md: 100 of $100 a month and 50 of $600 a year are $12,500."""
    started = [("100.00", "month")] * 100 + [("50.00", "year")] * 50
    shop.holds(
        told("2024-01-05", "subscription_started", amount, interval=interval, currency="USD")
        for amount, interval in started
    )
    assert shop.rows("mrr") == [(Decimal("12500.00"),)]
    by = shop.rows("mrr", by="interval")
    assert by == [("month", Decimal("10000.00")), ("year", Decimal("2500.00"))]
