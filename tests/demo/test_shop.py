"""The demo company's shop is believable: its visits, its orders, what went wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analyticspro.demo import incidents
from analyticspro.demo.company import CHANNELS, COUNTRIES, PLANS, PRODUCTS
from analyticspro.demo.rhythm import Timeline
from analyticspro.demo.shop import shop

UNTIL = datetime(2026, 5, 20, 14, tzinfo=UTC)
COLUMNS = {
    "event_id": pl.String,
    "name": pl.String,
    "occurred_at": pl.Datetime("us", "UTC"),
    "customer_id": pl.String,
    "user_id": pl.String,
    "session_id": pl.String,
    "amount_minor": pl.Int64,
    "currency": pl.String,
    "properties": pl.String,
}
NAMES = {
    "session_started",
    "page_viewed",
    "signed_up",
    "order_placed",
    "order_cancelled",
    "order_refunded",
}


def history(*, events: int = 200_000, seed: int = 7, until: datetime = UNTIL) -> pl.DataFrame:
    """Return what happened in a shop's 18 months before `until`, a whole hour."""
    _, told = shop(np.random.default_rng(seed), Timeline.around(until), events)
    return told.filter(pl.col("occurred_at") < until)


@pytest.fixture(scope="module")
def company() -> pl.DataFrame:
    return history()


def with_properties(events: pl.DataFrame, *names: str) -> pl.DataFrame:
    read = {name: pl.col("properties").str.json_path_match(f"$.{name}") for name in names}
    return events.with_columns(**read)


def of(events: pl.DataFrame, *names: str) -> pl.DataFrame:
    return events.filter(pl.col("name").is_in(names))


def during(events: pl.DataFrame, stretch: tuple[datetime, datetime]) -> pl.DataFrame:
    return events.filter(pl.col("occurred_at").is_between(*stretch, closed="left"))


def before(stretch: tuple[datetime, datetime], weeks: int) -> tuple[datetime, datetime]:
    back = timedelta(weeks=weeks)
    return stretch[0] - back, stretch[1] - back


@settings(max_examples=12, deadline=None)
@given(
    events=st.integers(500, 8000),
    seed=st.integers(0, 2**32),
    until=st.datetimes(datetime(2012, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_any_company_keeps_the_rules(events: int, seed: int, until: datetime):
    until = until.replace(minute=0, second=0, microsecond=0)
    frame = history(events=events, seed=seed, until=until)
    assert dict(frame.schema) == COLUMNS
    assert abs(len(frame) - events) <= 20 + 4 * events**0.5
    assert frame["event_id"].is_unique().all()
    assert frame["occurred_at"].max() < until
    assert frame["occurred_at"].min() > until - timedelta(days=550)
    keys = frame.select("occurred_at", "event_id")
    assert_frame_equal(keys, keys.sort("occurred_at", "event_id"))
    assert during(of(frame, "order_placed"), incidents(until).payment_outage).is_empty()


def test_the_company_has_the_events_asked_for(company: pl.DataFrame):
    assert len(company) == pytest.approx(200_000, rel=0.01)
    assert set(company["name"]) == NAMES
    first, last = company["occurred_at"].min(), company["occurred_at"].max()
    assert first - datetime(2024, 11, 20, tzinfo=UTC) < timedelta(days=2)
    assert UNTIL - last < timedelta(hours=2)


def test_properties_are_json_objects_with_known_values(company: pl.DataFrame):
    rows = [json.loads(text) for text in company["properties"]]
    assert {row["country"] for row in rows} == {country.name for country in COUNTRIES}
    assert {row["channel"] for row in rows} == {name for name, _ in CHANNELS}
    assert {row["plan"] for row in rows if "plan" in row} == {plan.name for plan in PLANS}
    assert None not in {value for row in rows for value in row.values()}


def test_only_visitors_without_an_account_have_no_plan(company: pl.DataFrame):
    read = with_properties(company, "plan")
    assert (read["plan"].is_null() == read["customer_id"].is_null()).all()
    assert (read["user_id"].str.starts_with("visitor-") == read["customer_id"].is_null()).all()


def test_money_is_what_the_price_list_says(company: pl.DataFrame):
    prices = {product.id: (product.name, product.price) for product in PRODUCTS}
    orders = of(company, "order_placed")
    assert set(orders["currency"]) == {"USD"}
    for text, amount in orders.select("properties", "amount_minor").iter_rows():
        row = json.loads(text)
        name, price = prices[row["product_id"]]
        assert (row["product"], row["quantity"] * price) == (name, amount)
    unpaid = of(company, "session_started", "page_viewed", "signed_up")
    assert unpaid["amount_minor"].is_null().all()
    assert unpaid["currency"].is_null().all()


def test_cancellations_and_refunds_take_back_an_earlier_order_once(company: pl.DataFrame):
    read = with_properties(company, "order_id", "product_id", "quantity")
    orders = of(read, "order_placed")
    assert orders["order_id"].is_unique().all()
    back = of(read, "order_cancelled", "order_refunded")
    assert back["order_id"].is_unique().all()
    both = back.join(orders, on="order_id", how="left", suffix="_ordered")
    assert both["event_id_ordered"].null_count() == 0
    assert (both["occurred_at"] > both["occurred_at_ordered"]).all()
    assert (both["amount_minor"] < 0).all()
    assert (both["customer_id"] == both["customer_id_ordered"]).all()
    assert (both["product_id"] == both["product_id_ordered"]).all()
    whole = of(both, "order_cancelled")
    assert (whole["amount_minor"] == -whole["amount_minor_ordered"]).all()
    assert (back["session_id"].is_null()).all()


def test_a_session_belongs_to_one_visitor_and_starts_with_its_first_page(company: pl.DataFrame):
    seen = of(company, "session_started", "page_viewed", "order_placed").drop_nulls("session_id")
    sessions = seen.group_by("session_id").agg(
        visitors=pl.col("user_id").n_unique(),
        starts=(pl.col("name") == "session_started").sum(),
        started_at=pl.col("occurred_at").filter(pl.col("name") == "session_started").min(),
        first_at=pl.col("occurred_at").min(),
        gap=pl.col("occurred_at").sort().diff().max(),
    )
    assert sessions["visitors"].unique().to_list() == [1]
    assert sessions["starts"].unique().to_list() == [1]
    assert (sessions["started_at"] == sessions["first_at"]).all()
    assert sessions["gap"].max() < timedelta(minutes=30)


def test_nobody_does_anything_before_signing_up(company: pl.DataFrame):
    joined = of(company, "signed_up").select("customer_id", joined_at="occurred_at")
    assert joined["customer_id"].is_unique().all()
    paid = of(company, "order_placed").join(joined, on="customer_id")
    # An account made in the session of its first order may be told a moment after it.
    assert (paid["occurred_at"] >= paid["joined_at"] - timedelta(hours=1)).all()


def test_the_key_figures_are_those_of_a_shop(company: pl.DataFrame):
    orders, cancelled = of(company, "order_placed"), of(company, "order_cancelled")
    assert 80_00 < orders["amount_minor"].mean() < 120_00
    assert 0.02 < len(cancelled) / (len(orders) + len(cancelled)) < 0.04
    assert 0.01 < len(of(company, "order_refunded")) / len(orders) < 0.03
    sessions = len(of(company, "session_started"))
    assert 0.15 < len(orders) / sessions < 0.35
    pages = of(company, "page_viewed").group_by("session_id").len()["len"]
    assert 0.3 < (pages == 1).mean() < 0.5


def test_it_grows_by_about_a_twentieth_a_month(company: pl.DataFrame):
    orders = of(company, "order_placed")["occurred_at"]
    year = [
        orders.is_between(start, end, closed="left").sum()
        for start, end in (
            (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)),
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
        )
    ]
    assert 0.03 < (year[1] / year[0]) ** (1 / 12) - 1 < 0.06


def test_countries_have_uneven_shares_and_growth(company: pl.DataFrame):
    orders = with_properties(of(company, "order_placed"), "country")
    shares = orders["country"].value_counts(normalize=True, sort=True)
    assert shares["country"][0] == "United States"
    assert shares["proportion"][0] > 0.2
    half = orders["occurred_at"] > datetime(2025, 8, 20, tzinfo=UTC)
    late = orders.filter(half)["country"].value_counts(normalize=True)
    early = orders.filter(~half)["country"].value_counts(normalize=True)
    moved = dict(
        late.join(early, on="country")
        .select("country", pl.col("proportion") / pl.col("proportion_right"))
        .iter_rows()
    )
    assert moved["India"] > 1.2
    assert moved["Sweden"] < 1.0


def test_weekends_and_nights_are_quiet(company: pl.DataFrame):
    at = of(company, "session_started")["occurred_at"]
    weekend = (at.dt.weekday() >= 6).mean()
    assert 0.12 < weekend < 0.24
    german = with_properties(of(company, "session_started"), "country").filter(
        pl.col("country") == "Germany"
    )
    hour = german["occurred_at"].dt.convert_time_zone("Europe/Berlin").dt.hour()
    assert (hour < 6).mean() < 0.06


def test_black_friday_is_the_best_of_the_year(company: pl.DataFrame):
    orders = of(company, "order_placed")
    sale = datetime(2025, 11, 28, tzinfo=UTC), datetime(2025, 12, 2, tzinfo=UTC)
    usual = len(during(orders, before(sale, 2)))
    assert len(during(orders, sale)) > 1.7 * usual


def test_nobody_could_pay_while_payments_were_down(company: pl.DataFrame):
    outage = incidents(UNTIL).payment_outage
    assert (outage[1] - outage[0]) == timedelta(hours=9)
    assert during(of(company, "order_placed"), outage).is_empty()
    assert len(during(of(company, "page_viewed"), outage)) > 50
    assert len(during(of(company, "order_placed"), before(outage, 1))) > 5


def test_the_tracking_outage_loses_visits_and_keeps_orders(company: pl.DataFrame):
    outage = incidents(UNTIL).tracking_outage
    tracked = of(company, "session_started", "page_viewed")
    assert during(of(company, "session_started"), outage).is_empty()
    assert len(during(tracked, outage)) < 10  # the tail of sessions begun before
    assert len(during(tracked, before(outage, 1))) > 50
    lost = during(of(company, "order_placed"), outage)
    assert len(lost) > 0
    assert lost["session_id"].null_count() > 0
    rest = of(company, "order_placed").filter(pl.col("session_id").is_null())
    assert during(rest, (outage[0], outage[1] + timedelta(hours=2))).equals(rest)


def test_a_faulty_batch_is_cancelled_three_times_as_often(company: pl.DataFrame):
    read = with_properties(company, "order_id")
    placed = during(of(read, "order_placed"), incidents(UNTIL).faulty_batch)
    gone = of(read, "order_cancelled")["order_id"].implode()
    rate = placed["order_id"].is_in(gone).mean()
    assert 0.06 < rate < 0.15


def test_the_viral_weekend_brings_visitors_and_few_orders(company: pl.DataFrame):
    weekend = incidents(UNTIL).viral_weekend
    assert weekend[0].weekday() == 5
    sessions, orders = of(company, "session_started"), of(company, "order_placed")
    visits = with_properties(during(sessions, weekend), "channel")
    assert len(visits) > 2.2 * len(during(sessions, before(weekend, 1)))
    assert (visits["channel"] == "social").mean() > 0.4
    assert len(during(orders, weekend)) < 2 * len(during(orders, before(weekend, 1)))
