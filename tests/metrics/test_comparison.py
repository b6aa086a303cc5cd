"""A period is compared with the one before it, and an unfinished one with as much of it.

Source: semantics.md, Comparison.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from analyticspro.metrics import Query
from tests.metrics.shop import CANCELLED, PLACED, VIEWED, Happening, Shop, told


def sale(when: str, amount: str = "1.00", country: str = "France") -> Happening:
    return told(when, PLACED, amount, order=f"{when}{country}", customer="ann", country=country)


def once_a_day(first: str, last: str) -> list[Happening]:
    """Return an order of one pound at noon of each day, both included."""
    days = range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1)
    return [sale(f"{date.fromordinal(day)} 12:00") for day in days]


def compared(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return bucket, value and previous value; money as plain numbers."""
    return [(*row[:-4], float(row[-4]), float(row[-3])) for row in rows]  # type: ignore[arg-type]


def test_a_whole_month_is_compared_with_the_whole_month_before(empty: Shop):
    empty.holds(once_a_day("2023-01-01", "2023-04-10"))
    assert compared(empty.rows("revenue", period="2023-02", compare=True)) == [(28, 31)]
    assert compared(empty.rows("revenue", period="2023-03", compare=True)) == [(31, 28)]


@pytest.mark.parametrize(
    ("period", "value", "previous"),
    [
        pytest.param("2023-Q1", 90, 31, id="a quarter"),
        pytest.param("2023", 100, 31, id="a year, unfinished: 1 Jan to 10 Apr 2022 had nothing"),
        pytest.param("2023-02-06", 1, 1, id="a day"),
        pytest.param("2023-W06", 7, 7, id="a week"),
        pytest.param("2023-02-01..2023-04-01", 59, 62, id="two months against two months"),
        pytest.param("2023-03-02..2023-03-12", 10, 10, id="ten days against ten days"),
    ],
)
def test_every_period_knows_the_one_before(period: str, value: int, previous: int, empty: Shop):
    empty.holds([*once_a_day("2022-12-01", "2022-12-31"), *once_a_day("2023-01-01", "2023-04-10")])
    if period == "2023":
        previous = 0
    assert compared(empty.rows("revenue", period=period, compare=True)) == [(value, previous)]


def test_an_unfinished_month_is_compared_with_as_much_of_the_month_before(empty: Shop):
    # The data ends at noon of 9 March: that moment itself is known.
    empty.holds(once_a_day("2023-01-01", "2023-03-09"))
    answer = empty.rows("revenue", period="2023-03", compare=True)
    assert compared(answer) == [(9, 9)]


def test_to_the_minute(empty: Shop):
    """Today until 14:37 against yesterday until 14:37, whatever came later yesterday."""
    empty.holds(
        [
            sale("2024-05-01 14:37", "2.00"),
            sale("2024-05-01 14:38", "100.00"),
            sale("2024-05-02 00:00", "3.00"),
            sale("2024-05-02 14:37", "5.00"),
        ]
    )
    now = datetime(2024, 5, 2, 15, tzinfo=UTC)
    assert compared(empty.rows("revenue", period="today", compare=True, now=now)) == [(8, 2)]


def test_the_present_ends_what_is_known_before_the_data_does(empty: Shop):
    """An event dated in the future does not make today complete."""
    empty.holds(
        [
            sale("2024-05-01 10:00", "2.00"),
            sale("2024-05-01 20:00", "4.00"),
            sale("2024-05-02 09:00", "3.00"),
            sale("2024-06-01 00:00", "1.00"),
        ]
    )
    now = datetime(2024, 5, 2, 12, tzinfo=UTC)
    assert compared(empty.rows("revenue", period="2024-05-02", compare=True, now=now)) == [(3, 2)]


def test_as_much_of_a_shorter_month_is_at_most_all_of_it(empty: Shop):
    empty.holds(once_a_day("2023-02-01", "2023-03-30"))
    assert compared(empty.rows("revenue", period="2023-03", compare=True)) == [(30, 28)]


def test_each_bucket_is_compared_with_the_one_before(empty: Shop):
    empty.holds(once_a_day("2022-12-01", "2023-05-10"))
    rows = empty.rows("revenue", grain="month", period="2023-01-01..2023-04-01", compare=True)
    assert compared(rows) == [
        (date(2023, 1, 1), 31, 31),
        (date(2023, 2, 1), 28, 31),
        (date(2023, 3, 1), 31, 28),
    ]


@pytest.mark.parametrize(
    ("period", "grain", "last"),
    [
        pytest.param("2023-02", "month", (date(2023, 2, 1), 28, 31), id="February, January whole"),
        pytest.param("2023-01-01..2023-03-01", "month", (date(2023, 2, 1), 28, 31), id="the last"),
        pytest.param("2023-Q1", "quarter", (date(2023, 1, 1), 90, 92), id="a quarter of 90 days"),
        pytest.param("2023-04", "month", (date(2023, 4, 1), 30, 31), id="April, March whole"),
    ],
)
def test_a_complete_bucket_is_compared_with_a_whole_one_though_it_is_longer(
    period: str, grain: str, last: tuple[object, ...], empty: Shop
):
    empty.holds(once_a_day("2022-10-01", "2023-05-10"))
    rows = empty.rows("revenue", grain=grain, period=period, compare=True)
    assert compared(rows)[-1] == last


def test_the_last_unfinished_bucket_is_compared_with_as_much_of_the_one_before(empty: Shop):
    empty.holds(once_a_day("2023-01-01", "2023-04-09"))
    rows = empty.rows("revenue", grain="month", period="2023", compare=True)
    assert compared(rows) == [
        (date(2023, 1, 1), 31, 0),
        (date(2023, 2, 1), 28, 31),
        (date(2023, 3, 1), 31, 28),
        (date(2023, 4, 1), 9, 9),
    ]


@pytest.mark.parametrize(
    ("grain", "moments", "expected"),
    [
        ("hour", ["01 10:15", "01 11:00", "01 11:30"], [(1, 0), (2, 1)]),
        ("day", ["01 10:00", "02 10:00", "02 11:00"], [(1, 0), (2, 1)]),
        ("week", ["05 10:00", "13 10:00", "13 11:00"], [(1, 0), (2, 1)]),
    ],
)
def test_every_grain_moves_on_by_one(
    grain: str, moments: list[str], expected: list[tuple[int, int]], empty: Shop
):
    empty.holds([told(f"2024-02-{moment}", VIEWED) for moment in moments])
    rows = empty.rows("page_views", grain=grain, period="2024-02", compare=True)
    assert [row[-4:-2] for row in rows] == expected


@pytest.mark.parametrize(
    ("before", "after", "change", "rate"),
    [
        pytest.param("10.00", "15.00", 5.0, 0.5, id="up by half"),
        pytest.param("10.00", "2.50", -7.5, -0.75, id="down"),
        pytest.param("10.00", "10.00", 0.0, 0.0, id="no change is 0, not null"),
        pytest.param(None, "15.00", 15.0, None, id="from 0 is new"),
        pytest.param("10.00", None, -10.0, -1.0, id="to 0"),
        pytest.param("-10.00", "5.00", 15.0, 1.5, id="up from a negative base is up"),
        pytest.param("-10.00", "-20.00", -10.0, -1.0, id="further down is down"),
    ],
)
def test_a_change_is_absolute_and_relative(
    before: str | None, after: str | None, change: float, rate: float | None, empty: Shop
):
    told_sales = [("2023-01-15", before), ("2023-02-15", after)]
    empty.holds(
        [
            *(told(when, CANCELLED, amount, order=when) for when, amount in told_sales if amount),
            sale("2023-03-15", "0.00"),
        ]
    )
    [(_, _, found_change, found_rate)] = empty.rows("revenue", period="2023-02", compare=True)
    assert float(found_change) == change  # type: ignore[arg-type]
    assert found_rate == rate


def test_a_ratio_has_no_change_from_or_to_nothing(empty: Shop):
    empty.holds(
        [
            sale("2023-01-10", "10.00", "France"),
            told("2023-02-10", PLACED, "30.00", order="I", country="Italy"),
            told("2023-03-10", VIEWED),
        ]
    )
    rows = empty.rows("average_order_value", by="country", period="2023-02", compare=True)
    assert rows == [
        ("France", None, 10.0, None, None),
        ("Italy", 30.0, None, None, None),
    ]


def test_what_was_only_there_before_is_there_with_0(empty: Shop):
    empty.holds([sale("2023-01-10", "10.00"), told("2023-03-10", VIEWED)])
    rows = empty.rows(
        "revenue", "orders", "cancellation_rate", by="country", period="2023-02", compare=True
    )
    [(country, *figures)] = rows
    assert country == "France"
    assert [None if figure is None else float(figure) for figure in figures] == [
        *(0, 10, -10, -1),
        *(0, 1, -1, -1),
        *(None, 0, None, None),
    ]


def test_with_nothing_at_all_there_is_nothing_to_compare(empty: Shop):
    [(value, previous, change, rate)] = empty.rows("orders", period="2023-02", compare=True)
    assert (value, previous, change, rate) == (0, 0, 0, None)


def test_the_answer_says_what_it_was_compared_with(empty: Shop):
    empty.holds(once_a_day("2023-01-01", "2023-03-09"))
    whole = empty.ask(Query.of("revenue", period="2023-02", compare=True)).provenance
    assert whole["compared_with"] == {"start": "2023-01-01T00:00:00", "end": "2023-02-01T00:00:00"}
    part = empty.ask(Query.of("revenue", period="2023-03", compare=True)).provenance
    assert part["compared_with"] == {
        "start": "2023-02-01T00:00:00",
        "end": "2023-02-09T12:00:00.000001",
    }
    assert part["period"]["until"] == "2023-03-09T12:00:00.000001"
    assert empty.ask(Query.of("revenue")).provenance["compared_with"] is None


@pytest.fixture
def two_shops(empty: Shop) -> Shop:
    """One shop is known to the 20th of March, the other to the 10th."""
    quick = [*once_a_day("2023-02-01", "2023-02-28"), *once_a_day("2023-03-01", "2023-03-20")]
    slow = [*once_a_day("2023-02-01", "2023-02-28"), *once_a_day("2023-03-01", "2023-03-10")]
    own = [replace(item, id=f"slow:{item.at}") for item in slow]
    return empty.holds(quick, source="quick").holds(own, source="slow")


def test_each_source_is_compared_with_the_same_part_of_its_own_past(two_shops: Shop):
    query = Query.of("revenue", period="2023-03", compare=True)
    answer = two_shops.ask(query)
    assert compared(answer.frame.rows()) == [(30, 30)]
    assert answer.provenance["compared_with"]["end"] == "2023-02-20T12:00:00.000001"
    assert answer.provenance["period"]["until"] == "2023-03-10T12:00:00.000001"
    assert answer.provenance["notes"]
    by_source = two_shops.rows("revenue", period="2023-03", by="source", compare=True)
    assert compared(by_source) == [("quick", 20, 20), ("slow", 10, 10)]


def test_with_a_grain_each_source_ends_in_its_own_bucket(two_shops: Shop):
    rows = compared(two_shops.rows("orders", grain="month", period="2023-Q1", compare=True))
    assert rows == [(date(2023, 2, 1), 28, 0), (date(2023, 3, 1), 20, 20)]
    totals = two_shops.rows("revenue_to_date", grain="month", period="2023-Q1", compare=True)
    assert compared(totals)[-1] == (date(2023, 3, 1), 86, 30)


def test_a_source_that_has_ended_empties_no_comparison(empty: Shop):
    empty.holds(once_a_day("2023-02-01", "2023-03-20"), source="alive")
    ended = [replace(item, id=f"old:{item.at}") for item in once_a_day("2022-01-01", "2022-01-31")]
    empty.holds(ended, source="ended")
    assert compared(empty.rows("revenue", period="2023-03", compare=True)) == [(20, 20)]


def test_sources_known_equally_far_need_no_note(empty: Shop):
    empty.holds(once_a_day("2023-02-01", "2023-03-20"))
    assert empty.ask(Query.of("revenue", period="2023-03", compare=True)).provenance["notes"] == []
