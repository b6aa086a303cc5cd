"""Money of several currencies is never added up; each is exact to its own minor unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from analyticspro.config import Settings
from analyticspro.errors import DefinitionError
from analyticspro.metrics import Query, catalog
from analyticspro.metrics.model import measures
from tests.metrics.shop import CANCELLED, PLACED, REFUNDED, VIEWED, Shop, told

# Refunds are left out: only yen were refunded.
OF_MONEY = [
    name
    for name, metric in catalog.METRICS.items()
    if "revenue" in metric.tags and name != "refunds"
]
# What money comes by besides orders.
PAID_OTHERWISE = sorted(
    {
        name
        for metric in OF_MONEY
        for measure in measures(catalog.METRICS[metric])
        for name in measure.events
    }
    - {PLACED, CANCELLED, REFUNDED}
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop.at(tmp_path_factory.mktemp("world")) as shop:
        yield shop.holds(
            [
                told("2024-01-10", PLACED, "10.01", order="1", country="UK"),
                told("2024-01-11", PLACED, "1234", order="2", country="Japan", currency="JPY"),
                told("2024-01-12", PLACED, "5.001", order="3", country="Kuwait", currency="KWD"),
                told("2024-02-12", PLACED, "0.009", order="4", country="Kuwait", currency="KWD"),
                told("2024-02-13", REFUNDED, "-34", order="2", country="Japan", currency="JPY"),
                told("2024-03-01", VIEWED),
                *(
                    told("2024-03-02", name, "7", currency=currency)
                    for name in PAID_OTHERWISE
                    for currency in ("GBP", "JPY", "KWD")
                ),
            ]
        )


@pytest.mark.parametrize("metric", OF_MONEY)
def test_several_currencies_in_one_figure_are_refused_with_the_cure(metric: str, world: Shop):
    with pytest.raises(DefinitionError) as refusal:
        world.rows(metric, period="2024")
    said = str(refusal.value)
    assert "GBP" in said
    assert "JPY" in said
    assert "by currency" in said or "currency=" in said


@pytest.mark.parametrize("metric", OF_MONEY)
@pytest.mark.parametrize("cure", [{"by": "currency"}, {"where": {"currency": "KWD"}}])
def test_the_cure_cures(metric: str, cure: dict[str, object], world: Shop):
    assert world.rows(metric, period="2024", **cure)  # type: ignore[arg-type]


def test_by_currency_each_is_exact(world: Shop):
    assert world.rows("revenue", by="currency") == [
        ("GBP", Decimal("10.01")),
        ("JPY", Decimal(1200)),
        ("KWD", Decimal("5.010")),
    ]
    averages = world.rows("average_order_value", by="currency")
    assert averages == [("GBP", 10.01), ("JPY", 1234.0), ("KWD", 2.505)]


@pytest.mark.parametrize(
    ("currency", "value", "digits"),
    [("GBP", "10.01", 2), ("JPY", "1200", 0), ("KWD", "5.010", 3)],
)
def test_one_currency_has_its_own_number_of_digits(
    currency: str, value: str, digits: int, world: Shop
):
    answer = world.ask(Query.of("revenue", where={"currency": currency}))
    assert answer.frame["revenue"].to_list() == [Decimal(value)]
    assert answer.frame.schema["revenue"].scale == digits  # type: ignore[attr-defined]
    assert answer.provenance["metrics"]["revenue"]["currency"] == currency


def test_of_several_currencies_the_answer_names_none(world: Shop):
    answer = world.ask(Query.of("revenue", by="currency"))
    assert answer.provenance["metrics"]["revenue"]["currency"] is None


def test_a_currency_that_only_the_period_before_has_is_refused_too(world: Shop):
    kuwait_and_japan = {"country": ["Kuwait", "Japan"]}
    with pytest.raises(DefinitionError, match="JPY"):
        world.rows("gross_order_value", period="2024-02", where=kuwait_and_japan, compare=True)


def test_counts_are_counted_whatever_the_money(world: Shop):
    assert world.rows("orders", period="2024") == [(4,)]


def test_currencies_of_other_events_do_not_matter(world: Shop):
    """Only yen were refunded, so refunds are yen."""
    assert world.rows("refunds", period="2024") == [(Decimal(-34),)]


def test_money_to_date_by_currency(world: Shop):
    assert world.rows("revenue_to_date", grain="month", by="currency", period="2024-02") == [
        (date(2024, 2, 1), "GBP", Decimal("10.01")),
        (date(2024, 2, 1), "JPY", Decimal(1200)),
        (date(2024, 2, 1), "KWD", Decimal("5.010")),
    ]


def test_without_data_money_is_of_the_workspace_s_currency(empty: Shop):
    answer = empty.ask(Query.of("revenue"), settings=Settings(currency="KWD"))
    assert answer.frame["revenue"].to_list() == [Decimal("0.000")]
    assert answer.provenance["metrics"]["revenue"]["currency"] == "KWD"


@pytest.mark.parametrize("amount", ["90000000000000000.00", "-90000000000000000.00"])
def test_sums_beyond_64_bits_stay_exact(amount: str, empty: Shop):
    empty.holds([told("2024-01-10", PLACED, amount, order=str(n)) for n in range(7)])
    assert empty.rows("revenue") == [(Decimal(amount) * 7,)]
    assert empty.rows("revenue_to_date", grain="year") == [(date(2024, 1, 1), Decimal(amount) * 7)]
