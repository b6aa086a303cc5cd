"""Every metric of the catalogue says what SQL written by hand says.

`by_hand/<metric>.sql` asks a plain table of the same events three questions; nothing of it
comes from the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from analyticspro.grain import Grain
from analyticspro.metrics import Filter, Query, catalog
from tests.metrics.shop import EVENTS, Shop, ledger
from tests.metrics.walk import PERCENTILES

BY_HAND = Path(__file__).parent / "by_hand"
QUARTER = "2024-Q1"
BUT_HEAD = (Filter("path", ("/",)), Filter("method", ("HEAD",), exclude=True))
BUT_DATABASE = (Filter("monitor", ("database",), exclude=True),)
OUTSIDE_FRANCE = (Filter("plan", ("pro",)), Filter("country", ("France",), exclude=True))


@dataclass(frozen=True)
class Cut:
    """One way to cut a metric, and the heading of its SQL."""

    heading: str
    grain: Grain | None = None
    by: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()


TOTAL = Cut("total")
CUTS = (
    TOTAL,
    Cut("month by country", Grain.MONTH, ("country",)),
    Cut("month, pro plan outside France", Grain.MONTH, (), OUTSIDE_FRANCE),
)
# What has no country is cut by what it has.
CUTS_OF_REQUESTS = (
    TOTAL,
    Cut("month by status", Grain.MONTH, ("status",)),
    Cut("month, of / but HEAD", Grain.MONTH, (), BUT_HEAD),
)
CUTS_OF_CHECKS = (
    TOTAL,
    Cut("month by monitor", Grain.MONTH, ("monitor",)),
    Cut("month, but database", Grain.MONTH, (), BUT_DATABASE),
)
CUTS_OF_AUDIT = (
    TOTAL,
    Cut("month by actor", Grain.MONTH, ("actor",)),
    Cut("month, but p1", Grain.MONTH, (), (Filter("actor", ("p1",), exclude=True),)),
    Cut("month by action", Grain.MONTH, ("action",)),
)


def by_property(name: str, but: str) -> Cut:
    return Cut(
        f"month by {name}, but {but}", Grain.MONTH, (name,), (Filter(name, (but,), exclude=True),)
    )


# Properties that are no column, and metrics that are proved by them too: one of each kind.
BUT_INK, BUT_BILLING = by_property("category", "ink"), by_property("topic", "billing")
BUT_ALBA, BUT_WEDDINGS = by_property("partner", "Alba"), by_property("kind", "wedding")
CUTS_BY_PROPERTY = {
    "event_guests": BUT_WEDDINGS,
    "styles_used": BUT_INK,
    "picture_time": BUT_INK,
    "picture_time_p95": BUT_INK,
    "credit_consumption": BUT_ALBA,
    "credits_in_channels": BUT_ALBA,
    "mrr": by_property("interval", "year"),
    "tickets_opened": BUT_BILLING,
    "urgent_tickets": BUT_BILLING,
    "reply_time": BUT_BILLING,
    "resolution_time": BUT_BILLING,
    "satisfaction": BUT_BILLING,
}


def cuts_of(metric: str) -> tuple[Cut, ...]:
    dimensions = catalog.metric(metric).dimensions
    if "status" in dimensions:
        return CUTS_OF_REQUESTS
    if "monitor" in dimensions:
        return CUTS_OF_CHECKS
    if "actor" in dimensions:
        return CUTS_OF_AUDIT
    return (*CUTS, *([CUTS_BY_PROPERTY[metric]] if metric in CUTS_BY_PROPERTY else []))


# Others are 0 where there is nothing of them.
NULL_OF_NOTHING = PERCENTILES | {
    name for name, metric in catalog.METRICS.items() if type(metric).__name__ == "Ratio"
}
CASES = [
    pytest.param(metric, cut, id=f"{metric}-{cut.heading}")
    for metric in catalog.METRICS
    for cut in cuts_of(metric)
]


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with ledger(EVENTS) as connection:
        yield connection


def by_hand(metric: str, heading: str) -> str:
    parts = (BY_HAND / f"{metric}.sql").read_text().split("-- ")
    [sql] = [sql for title, _, sql in (part.partition("\n") for part in parts) if title == heading]
    return sql


def test_every_metric_is_written_by_hand_too():
    assert {file.stem for file in BY_HAND.glob("*.sql")} == catalog.METRICS.keys()


@pytest.mark.parametrize(("metric", "cut"), CASES)
def test_a_metric_says_what_its_hand_written_sql_says(
    metric: str, cut: Cut, shop: Shop, plain: duckdb.DuckDBPyConnection
):
    query = Query((metric,), cut.grain, cut.by, QUARTER, cut.where)
    expected = plain.sql(by_hand(metric, cut.heading)).fetchall()

    found = shop.ask(query).frame

    assert found.columns == [*([cut.grain] if cut.grain else []), *cut.by, metric]
    assert [row[:-1] for row in found.rows()] == [row[:-1] for row in expected]
    assert [row[-1] for row in found.rows()] == [pytest.approx(row[-1]) for row in expected]


@pytest.mark.parametrize(
    "cut",
    dict.fromkeys(
        (
            *(*CUTS, *CUTS_OF_REQUESTS, *CUTS_OF_CHECKS, *CUTS_OF_AUDIT),
            *CUTS_BY_PROPERTY.values(),
        )
    ),
    ids=lambda cut: cut.heading,
)
def test_a_metric_asked_among_others_says_the_same(cut: Cut, shop: Shop):
    """A row that is there for another metric's sake holds 0, or null for a ratio."""
    everything = tuple(catalog.METRICS)
    if cut.by or cut.where:
        everything = tuple(metric for metric in everything if cut in cuts_of(metric))
    together = shop.ask(Query(everything, cut.grain, cut.by, QUARTER, cut.where)).frame
    keys = [*([cut.grain.value] if cut.grain else []), *cut.by]
    for metric in everything:
        alone = shop.ask(Query((metric,), cut.grain, cut.by, QUARTER, cut.where)).frame
        there = {row[:-1]: row[-1] for row in alone.rows()}
        for row in together.select(*keys, metric).rows():
            elsewhere = None if metric in NULL_OF_NOTHING else 0
            assert row[-1] == there.get(row[:-1], elsewhere), (metric, row)


def test_the_proof_has_teeth(shop: Shop):
    """The events hold what is easily got wrong, so that a wrong metric cannot pass."""
    [(orders, lines, revenue, gross, known)] = shop.rows(
        "orders", "units", "revenue", "gross_order_value", "active_customers", period=QUARTER
    )
    assert orders == 6  # of eight lines
    assert lines == 19 - 6  # ordered less cancelled
    assert revenue < gross
    assert known == 3  # ann, bob and zoe; one order has nobody
    buckets = shop.rows("refund_rate", grain="month", by="country", period=QUARTER)
    assert [row[1:] for row in buckets if row[2] is None] == [("Germany", None)]


@pytest.mark.parametrize("metric", catalog.METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_describes_itself(metric: catalog.Metric):
    assert metric.title[0].isupper()
    assert metric.meaning.endswith(".")
    assert metric.better in ("higher", "lower", "neutral")
    assert set(metric.dimensions) <= catalog.DIMENSIONS.keys()


@pytest.mark.parametrize("name", catalog.METRICS)
def test_a_metric_can_be_cut_by_each_of_its_dimensions(name: str, shop: Shop):
    dimensions = catalog.metric(name).dimensions
    total = shop.ask(Query((name,), period=QUARTER)).frame
    cut = shop.ask(Query((name,), by=dimensions, period=QUARTER)).frame
    assert cut.columns == [*dimensions, name]
    assert cut.schema[name] == total.schema[name]
    assert cut.height > 0
