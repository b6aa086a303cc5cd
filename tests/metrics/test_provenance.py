"""Every answer says how it came about, and its frame has the promised types."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from analyticspro.config import Settings
from analyticspro.connectors.batch import REJECTS
from analyticspro.errors import UnknownName
from analyticspro.metrics import Answer, Query, catalog
from analyticspro.metrics.model import (
    Aggregation,
    Ratio,
    is_additive,
    is_to_date,
    measures,
    version,
)
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor
from tests.metrics.shop import EVENTS, PLACED, VIEWED, Shop, at, frame, told

KEYS = {
    "as_of",
    "metrics", "period", "compared_with", "timezone", "revision", "watermarks", "sql",
    "statements", "rows_read", "late", "rejected", "cached", "scope", "workspace", "demo", "notes",
}  # fmt: skip
COUNT = ("orders", "invoices", "units", "customers_to_date")
MONEY = ("revenue", "refunds", "revenue_to_date")
RATIOS = ("average_order_value", "cancellation_rate", "refund_rate")


def test_it_holds_every_promised_key_and_is_plain_json(shop: Shop):
    provenance = shop.ask(Query.of("revenue", "orders", grain="month", compare=True)).provenance
    assert provenance.keys() == KEYS
    assert json.loads(json.dumps(provenance)) == provenance


def test_it_names_each_metric_as_the_catalogue_defines_it(shop: Shop):
    described = shop.ask(Query.of("revenue", "cancellation_rate")).provenance["metrics"]
    assert described["revenue"] == {
        "title": "Revenue",
        "meaning": catalog.metric("revenue").meaning,
        "unit": "money",
        "better": "higher",
        "currency": "GBP",
        "additive": True,
        "zero_of_nothing": True,
        "version": version(catalog.metric("revenue")),
    }
    assert described["cancellation_rate"]["unit"] == "fraction"
    assert described["cancellation_rate"]["better"] == "lower"
    assert described["cancellation_rate"]["currency"] is None
    assert described["cancellation_rate"]["additive"] is False
    assert described["cancellation_rate"]["zero_of_nothing"] is False


def test_it_says_when_where_and_who(shop: Shop):
    settings = Settings(timezone="Europe/London", name="Corner shop", currency="GBP")
    provenance = shop.ask(Query.of("revenue", period="2024-Q1"), settings=settings).provenance
    assert provenance["period"] == {
        "name": "2024-Q1",
        "start": "2024-01-01T00:00:00",
        "end": "2024-04-01T00:00:00",
        "until": "2024-04-01T00:00:00",
    }
    assert provenance["timezone"] == "Europe/London"
    assert provenance["scope"] == "owner"
    assert provenance["workspace"] == "Corner shop"
    assert provenance["demo"] is False
    assert provenance["watermarks"] == {"shop": "2024-04-01T00:00:00+00:00"}
    assert provenance["notes"] == []
    assert shop.ask(Query.of("revenue"), settings=replace(settings, demo=True)).provenance["demo"]


def test_until_is_the_last_moment_known_within_the_period(shop: Shop):
    def until(period: str, now: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> str:
        answer = shop.ask(Query.of("revenue", period=period), now=now)
        return str(answer.provenance["period"]["until"])

    assert until("2024-04") == "2024-04-01T00:00:00.000001"
    assert until("2024-03") == "2024-04-01T00:00:00"
    assert until("2025") == "2025-01-01T00:00:00"  # nothing is known of it yet
    assert until("2024-03", datetime(2024, 3, 5, 12, tzinfo=UTC)) == "2024-03-05T12:00:00"


@pytest.mark.parametrize("metric", catalog.METRICS)
def test_rows_read_is_what_one_can_count(metric: str, shop: Shop):
    """The events in the period that the metric looks at; to date, those before it too."""
    definition = catalog.metric(metric)
    names = {name for measure in measures(definition) for name in measure.events}
    start = at("1970-01-01") if is_to_date(definition) else at("2024-01-01")
    counted = [
        event
        for event in EVENTS
        if start <= event.at < at("2024-04-01") and (event.name in names or not names)
    ]
    answer = shop.ask(Query.of(metric, period="2024-Q1"))
    assert answer.provenance["rows_read"] == len(counted) > 0


def test_the_sql_it_shows_is_the_sql_that_was_run(shop: Shop):
    """With its values it gives the same figures again; values stand as $names in it."""
    provenance = shop.ask(Query.of("orders", where={"country": "France"})).provenance
    assert "country IN ($text_" in provenance["sql"]
    assert "France" not in provenance["sql"]
    assert provenance["statements"] == [provenance["sql"]]
    compared = shop.ask(Query.of("orders", "revenue_to_date", period="2024-01", compare=True))
    assert len(compared.provenance["statements"]) == 4


@pytest.mark.parametrize("metric", catalog.METRICS)
def test_a_version_changes_with_the_definition_and_with_nothing_else(metric: str):
    definition = catalog.metric(metric)
    assert version(definition) == version(replace(definition))
    assert version(definition) != version(replace(definition, meaning="Something else."))
    assert version(definition) != version(replace(definition, better="neutral", unit="other"))  # type: ignore[arg-type]
    others = {version(other) for name, other in catalog.METRICS.items() if name != metric}
    assert version(definition) not in others


def test_a_version_changes_with_the_definition_of_a_part():
    rate = catalog.metric("cancellation_rate")
    assert isinstance(rate, Ratio)
    other = replace(rate.numerator, aggregation=Aggregation.COUNT)  # type: ignore[call-arg]
    assert version(rate) != version(replace(rate, numerator=other))


def test_distinct_counts_and_ratios_are_never_to_be_added():
    additive = {name for name, metric in catalog.METRICS.items() if is_additive(metric)}
    of_business = {"revenue", "gross_order_value", "units", "refunds"}
    of_visits = {"page_views", "events", "sessions"}
    of_requests = {"requests", "failed_requests", "refused_requests", "bytes_sent"}
    of_partners = {"partner_events", "event_guests", "contract_value", "event_pictures"}
    of_credits = {"partner_credits_added", "partner_credits_used", "credit_pack_revenue"}
    of_subscriptions = {"started_mrr", "cancelled_mrr", "subscription_revenue"}
    of_support = {"tickets_opened", "urgent_tickets", "tickets_resolved"}
    of_the_log = {"failed_sign_ins", "denials", "audited_exports", "policy_changes"}
    assert additive == {"checks"} | of_business | of_visits | of_requests | of_partners.union(
        of_credits, of_subscriptions, of_support, of_the_log
    )


def test_late_and_rejected_records_are_counted(empty: Shop):
    commit(empty, [told("2024-01-10", PLACED, "1.00", order="1", id="1")])
    commit(
        empty,
        [
            told("2024-01-05", PLACED, "2.00", order="2", id="2"),
            told("2024-01-06", VIEWED, id="3"),
            told("2024-01-20", PLACED, "4.00", order="3", id="4"),
        ],
        rejects=3,
    )
    provenance = empty.ask(Query.of("orders", period="2024-01")).provenance
    assert (provenance["rows_read"], provenance["late"]) == (3, 1)
    assert provenance["rejected"] == 3
    assert provenance["watermarks"] == {"till": "2024-01-20T00:00:00+00:00"}
    assert empty.ask(Query.of("events", period="2024-01")).provenance["late"] == 2
    later = empty.ask(Query.of("orders", period="2024-01-10..2024-02-01")).provenance
    assert (later["rows_read"], later["late"]) == (2, 0)


def commit(shop: Shop, happenings: list[Any], rejects: int = 0) -> None:
    """Commit one part of the source `till`, as a sync does."""
    received_at = at("2024-02-01")
    bad = pl.DataFrame(
        [{"line": line, "reason": "is no number", "raw": "x"} for line in range(rejects)],
        schema=REJECTS,
    )
    with shop.warehouse.reader(OWNER) as reader:
        watermarks = reader.sources()["watermark"]
    watermark = watermarks[0] if len(watermarks) else None
    part = f"part {happenings[0].id}"
    with shop.warehouse.writer() as writer:
        with writer.commit(received_at):
            kept = writer.store(
                "till", part, frame(happenings), received_at=received_at, watermark=watermark
            )
            writer.set_aside("till", part, bad)
        with writer.commit(received_at):
            writer.finish_part("till", part, seen=kept.seqs, rejects=bad, cursor=Cursor("", 0, 0))
        writer.note_source("till", declaration="{}", synced_at=received_at, outcome="{}")


def test_rejects_of_a_source_that_the_metric_does_not_read_are_not_its_own(empty: Shop):
    commit(empty, [told("2024-01-10", VIEWED, id="1")], rejects=2)
    empty.holds([told("2024-01-11", PLACED, "1.00", order="1")])
    assert empty.ask(Query.of("orders")).provenance["rejected"] == 0
    assert empty.ask(Query.of("page_views")).provenance["rejected"] == 2


def test_a_superseded_version_leaves_every_figure(empty: Shop):
    first = told("2024-01-10", PLACED, "1.00", order="1", customer="ann", country="France",
                 quantity=1, user="u", session="s", id="x")  # fmt: skip
    empty.holds([first, told("2024-01-11", VIEWED, session="s", id="y")])
    mended = replace(first, amount=Decimal("7.00"), customer="bob", country="Italy", order="2",
                     quantity=5, at=at("2024-01-12"))  # fmt: skip
    empty.holds([mended, told("2024-01-11", VIEWED, session="s", id="y")])

    names = ("revenue", "orders", "active_customers", "units", "revenue_to_date")
    assert empty.rows(*names) == [(7, 1, 1, 5, 7)]
    assert empty.rows("orders", by="country") == [("Italy", 1)]
    assert empty.ask(Query.of(*names)).provenance["rows_read"] == 1
    assert empty.rows("events") == [(2,)]
    with pytest.raises(UnknownName, match="No country 'France'"):
        empty.rows("orders", where={"country": "France"})


def test_what_is_no_longer_there_counts_nowhere(empty: Shop):
    empty.holds(EVENTS)
    empty.holds([event for event in EVENTS if event.name == "coffee_brewed"])
    names = tuple(catalog.METRICS)
    [row] = empty.ask(Query(names, period="2024-Q1")).frame.to_dicts()
    assert {name for name, value in row.items() if value} == {"events"}


def test_the_revision_grows_with_each_commit(empty: Shop):
    def revision() -> int:
        return int(empty.ask(Query.of("orders")).provenance["revision"])

    assert revision() == 0
    empty.holds(EVENTS)
    first = revision()
    empty.holds(EVENTS[:3])
    assert revision() > first > 0


def test_counts_are_whole_money_is_exact_and_ratios_are_fractions(shop: Shop):
    answer = shop.ask(Query.of(*COUNT, *MONEY, *RATIOS, compare=True, period="2024-Q1"))
    schema = answer.frame.schema
    for name in COUNT:
        assert schema[name] == schema[f"{name}_previous"] == schema[f"{name}_change"] == pl.Int64
    for name in MONEY:
        for column in (name, f"{name}_previous", f"{name}_change"):
            assert isinstance(schema[column], pl.Decimal)
            assert schema[column].scale == 2  # type: ignore[attr-defined]
    for name in RATIOS:
        assert schema[name] == schema[f"{name}_change"] == pl.Float64
    rates = [column for column in schema if column.endswith("_change_rate")]
    assert {schema[column] for column in rates} == {pl.Float64}
    assert len(rates) == 10


@pytest.mark.parametrize("compare", [False, True])
@pytest.mark.parametrize("by", [(), ("country",)])
def test_an_empty_workspace_answers_with_the_same_types(
    by: tuple[str, ...], compare: bool, shop: Shop, empty: Shop
):
    query = Query(("revenue", "orders", "refund_rate"), by=by, period="2024-Q1", compare=compare)
    full, nothing = shop.ask(query).frame.schema, empty.ask(query).frame.schema
    assert list(full) == list(nothing)
    assert [str(kind) for kind in full.values()] == [str(kind) for kind in nothing.values()]


def test_no_figure_is_ever_infinite_or_not_a_number(shop: Shop):
    answer = shop.ask(
        Query.of(*RATIOS, grain="day", by=["country", "plan"], compare=True, period="all")
    )
    floats = answer.frame.select(pl.selectors.float())
    assert floats.height > 10
    assert (
        not floats.select(pl.any_horizontal(pl.all().is_nan() | pl.all().is_infinite()))
        .to_series()
        .any()
    )


def test_as_rows_dates_are_iso_and_money_is_a_number():
    frame = pl.DataFrame(
        {
            "day": [datetime(2024, 1, 1).date(), None],
            "hour": [datetime(2024, 1, 1, 5), None],
            "revenue": [Decimal("9747747.93"), None],
            "orders": [3, None],
        }
    )
    assert Answer(frame, {}).rows() == [
        {"day": "2024-01-01", "hour": "2024-01-01T05:00:00", "revenue": 9747747.93, "orders": 3},
        {"day": None, "hour": None, "revenue": None, "orders": None},
    ]
