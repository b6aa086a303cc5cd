"""A running total: everything since the first event, up to the end of each bucket."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from analyticspro.errors import DefinitionError
from tests.metrics.shop import PLACED, REFUNDED, Happening, Shop, told


def sale(
    when: str, amount: str, customer: str | None = "ann", country: str = "France"
) -> Happening:
    return told(when, PLACED, amount, order=when, customer=customer, country=country)


def months(*firsts: int) -> list[date]:
    return [date(2024, month, 1) for month in firsts]


def test_what_came_before_the_period_is_in_it(empty: Shop):
    empty.holds([sale("2023-06-01", "100.00"), sale("2024-02-01", "5.00"), sale("2024-04-01", "0")])
    assert empty.rows("revenue_to_date", grain="month", period="2024-Q1") == [
        (date(2024, 1, 1), Decimal("100.00")),
        (date(2024, 2, 1), Decimal("105.00")),
        (date(2024, 3, 1), Decimal("105.00")),
    ]
    assert empty.rows("revenue_to_date", period="2024-01") == [(Decimal("100.00"),)]


def test_a_bucket_without_events_is_there_all_the_same(empty: Shop):
    empty.holds([sale("2024-01-10", "1.00"), sale("2024-04-10", "1.00")])
    found = empty.rows("revenue_to_date", grain="month", period="2024-01-01..2024-05-01")
    assert found == list(zip(months(1, 2, 3, 4), map(Decimal, "1112"), strict=True))


@pytest.mark.parametrize(
    ("grain", "buckets"), [("day", 31), ("week", 5), ("hour", 31 * 24), ("quarter", 1), ("year", 1)]
)
def test_gaps_are_filled_at_every_grain(grain: str, buckets: int, empty: Shop):
    empty.holds([sale("2024-01-01", "1.00"), sale("2024-03-01", "1.00")])
    found = empty.rows("revenue_to_date", grain=grain, period="2024-01")
    assert [row[1] for row in found] == [Decimal(1)] * buckets


def test_it_goes_down_when_money_goes_back(empty: Shop):
    refund = told("2024-02-01", REFUNDED, "-4.00", order="x", country="France")
    empty.holds([sale("2024-01-10", "10.00"), refund, sale("2024-03-10", "1.00")])
    found = empty.rows("revenue_to_date", grain="month", period="2024-Q1")
    assert [row[1] for row in found] == [10, 6, 7]


def test_a_customer_counts_once_when_first_seen(empty: Shop):
    empty.holds(
        [
            sale("2024-01-10", "1.00", "ann"),
            sale("2024-02-10", "1.00", "ann"),
            sale("2024-02-11", "1.00", "bob"),
            sale("2024-02-12", "1.00", None),
            sale("2024-03-10", "1.00", "bob"),
        ]
    )
    found = empty.rows("customers_to_date", grain="month", period="2024-Q1")
    assert [row[1] for row in found] == [1, 2, 2]
    assert empty.rows("customers_to_date", period="2024-03") == [(2,)]


def test_by_dimension_each_segment_has_its_own_total(empty: Shop):
    """A customer of two countries counts in both, so segments do not add up."""
    empty.holds(
        [
            sale("2024-01-10", "1.00", "ann", "France"),
            sale("2024-02-10", "2.00", "ann", "Italy"),
            sale("2024-03-10", "4.00", "bob", "Italy"),
        ]
    )
    found = empty.rows(
        "customers_to_date", "revenue_to_date", grain="month", by="country", period="2024-Q1"
    )
    assert found == [
        (date(2024, 1, 1), "France", 1, 1),
        (date(2024, 1, 1), "Italy", 0, 0),
        (date(2024, 2, 1), "France", 1, 1),
        (date(2024, 2, 1), "Italy", 1, 2),
        (date(2024, 3, 1), "France", 1, 1),
        (date(2024, 3, 1), "Italy", 2, 6),
    ]
    assert empty.rows("customers_to_date", by="country", period="2024-Q1") == [
        ("France", 1),
        ("Italy", 2),
    ]


def test_it_ends_where_the_data_ends(empty: Shop):
    """Nothing is known of the rest of the year, so nothing is drawn there."""
    empty.holds([sale("2024-01-10", "1.00"), sale("2024-03-10", "1.00")])
    found = empty.rows("revenue_to_date", grain="month", period="2024")
    assert [row[0] for row in found] == months(1, 2, 3)


def test_it_ends_there_also_in_the_hour_that_the_clock_shows_twice(empty: Shop):
    """New York, 3 November 2024: 01:45 was before 01:15, which is the last that is known."""
    empty.holds([sale("2024-11-03 05:45", "1.00"), sale("2024-11-03 06:15", "2.00")])
    for grain, bucket in (("day", date(2024, 11, 3)), ("hour", datetime(2024, 11, 3, 1))):
        found = empty.rows("revenue_to_date", grain=grain, zone="America/New_York")
        assert found[-1] == (bucket, 3)
    assert empty.rows("revenue_to_date", zone="America/New_York") == [(3,)]


def test_of_a_period_after_the_data_nothing_is_known(empty: Shop):
    empty.holds([sale("2024-01-10", "1.00")])
    assert empty.rows("revenue_to_date", grain="month", period="2025") == []


def test_beside_other_metrics_every_bucket_is_there(empty: Shop):
    empty.holds([sale("2024-01-10", "1.00"), sale("2024-03-10", "2.00")])
    found = empty.rows(
        "revenue", "average_order_value", "revenue_to_date", grain="month", period="2024-Q1"
    )
    assert [row[1:] for row in found] == [(1, 1.0, 1), (0, None, 1), (2, 2.0, 3)]


def test_compared_with_the_total_one_bucket_before(empty: Shop):
    empty.holds([sale("2023-12-10", "1.00"), sale("2024-01-10", "2.00"), sale("2024-04-01", "4")])
    found = empty.rows("revenue_to_date", grain="month", period="2024-Q1", compare=True)
    assert found == [
        (date(2024, 1, 1), 3, 1, 2, 2.0),
        (date(2024, 2, 1), 3, 3, 0, 0.0),
        (date(2024, 3, 1), 3, 3, 0, 0.0),
    ]
    assert empty.rows("revenue_to_date", period="2024-01", compare=True) == [(3, 1, 2, 2.0)]


def test_compared_in_the_middle_of_a_bucket_with_the_middle_of_the_one_before(empty: Shop):
    empty.holds(
        [sale("2024-01-10", "1.00"), sale("2024-01-20", "2.00"), sale("2024-02-15", "4.00")]
    )
    found = empty.rows("revenue_to_date", grain="month", period="2024-02", compare=True)
    assert found == [(date(2024, 2, 1), 7, 1, 6, 6.0)]


def test_too_many_buckets_are_refused_rather_than_waited_for(empty: Shop):
    empty.holds([sale("1971-01-10", "1.00"), sale("2024-01-10", "2.00")])
    with pytest.raises(DefinitionError, match="hour"):
        empty.rows("revenue_to_date", grain="hour", period="all")
