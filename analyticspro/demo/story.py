"""The story told as canonical events, one kind of event after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analyticspro.demo.company import (
    CHANNELS,
    COUNTRIES,
    CURRENCY,
    LANDING_PATHS,
    PLANS,
    PRODUCTS,
)
from analyticspro.demo.orders import Orders, Reversals
from analyticspro.demo.people import People
from analyticspro.demo.rhythm import Floats, Ints, Timeline, sample, within
from analyticspro.demo.visits import NOBODY, Visits

__all__ = ["Story"]

_COUNTRY = pl.Series([country.name for country in COUNTRIES])
_PLAN = pl.Series([plan.name for plan in PLANS])
_CHANNEL = pl.Series([name for name, _ in CHANNELS])
_PRODUCT_ID = pl.Series([product.id for product in PRODUCTS])
_PRODUCT = pl.Series([product.name for product in PRODUCTS])
_LANDING = pl.Series([path for path, _ in LANDING_PATHS])
_PRODUCT_PATH = pl.Series([f"/products/{product.id.lower()}" for product in PRODUCTS])


@dataclass(frozen=True)
class Story:
    """Who came and when; each method tells one kind of event as canonical events."""

    timeline: Timeline
    people: People
    visits: Visits

    def sessions(self) -> pl.DataFrame:
        """Return a session_started event for each session."""
        visit = np.arange(len(self.visits.start))
        at = self.timeline.instants(self.visits.start)
        return self._events("session_started", "session", visit, at, tracked=True)

    def sign_ups(self) -> pl.DataFrame:
        """Return a signed_up event for each account made; the shop's own system reports it."""
        visit = np.flatnonzero(self.visits.is_sign_up)
        at = self.timeline.instants(self.people.joined[self.visits.customer[visit]])
        return self._events("signed_up", "signup", visit, at)

    def pages(
        self, rng: np.random.Generator, counts: Ints, offsets: Floats, ordering: Ints
    ) -> pl.DataFrame:
        """Return a page_viewed event for each page of each session.

        Args:
            rng: Decides which pages.
            counts: Pages of each session.
            offsets: How long after its session's start each page was opened, in hours.
            ordering: The sessions that end at the checkout.
        """
        visit = np.repeat(np.arange(len(counts)), counts)
        at = self.timeline.instants(self.visits.start[visit] + offsets)
        landing = _LANDING.gather(sample(rng, np.array([s for _, s in LANDING_PATHS]), len(visit)))
        popularity = np.array([product.popularity for product in PRODUCTS])
        product = _PRODUCT_PATH.gather(sample(rng, popularity, len(visit)))
        last = np.cumsum(counts) - 1
        step = np.full(len(visit), "product", dtype=object)
        step[last - counts + 1] = "landing"
        step[last[self.visits.is_sign_up]] = "sign-up"
        step[last[ordering] - 1] = "basket"
        step[last[ordering]] = "checkout"
        path = pl.select(
            pl.when(kind.eq("landing"))
            .then(landing)
            .when(kind.eq("product"))
            .then(product)
            .otherwise("/" + kind)
            for kind in [pl.Series(step, dtype=pl.String)]
        ).to_series()
        return self._events("page_viewed", "page", visit, at, {"path": path}, tracked=True)

    def orders(self, orders: Orders) -> pl.DataFrame:
        """Return an order_placed event for each order."""
        every = np.arange(len(orders.at))
        properties = _order_properties(orders, every)
        return self._events(
            "order_placed", "order", orders.visit, orders.at, properties, orders.amount
        )

    def reversals(self, name: str, kind: str, orders: Orders, gone: Reversals) -> pl.DataFrame:
        """Return an event called `name` for each cancellation or refund; in no session."""
        properties = _order_properties(orders, gone.order)
        visit = orders.visit[gone.order]
        told = self._events(name, kind, visit, gone.at, properties, gone.amount)
        return told.with_columns(session_id=pl.lit(None, pl.String))

    def _events(
        self,
        name: str,
        kind: str,
        visit: Ints,
        at: Ints,
        properties: Mapping[str, pl.Series] | None = None,
        amount: Ints | None = None,
        *,
        tracked: bool = False,
    ) -> pl.DataFrame:
        """Return events in the canonical columns, those before the end of the timeline.

        Args:
            name: The event's name.
            kind: How its ids begin, after `demo:`.
            visit: The session of each.
            at: When, in microseconds since 1970.
            properties: Beyond country, channel and plan.
            amount: In cents, where there is money.
            tracked: Whether the page's tracking reports it; then it is missing while that
                was down. The session of any other event is unknown at such a time.
        """
        customer = self.visits.customer[visit]
        start = self.timeline.instants(self.visits.start[visit])
        unseen = within(start, self.timeline.incidents.tracking_outage)
        plain = {
            "country": _COUNTRY.gather(self.visits.country[visit]),
            "channel": _CHANNEL.gather(self.visits.channel[visit]),
            "plan": _PLAN.gather(self.people.plan_at(customer, self.visits.start[visit])).set(
                pl.Series(customer == NOBODY), None
            ),
        }
        frame = pl.DataFrame(
            {
                "at": at,
                "customer": pl.Series(customer + 1),
                "seat": pl.Series(self.visits.seat[visit] + 1),
                "session": pl.Series(visit + 1),
                "unseen": unseen,
                "amount": pl.Series(amount, dtype=pl.Int64) if amount is not None else None,
                "properties": _json(plain | dict(properties or {})),
            },
            schema_overrides={"amount": pl.Int64},
        )
        frame = frame.filter(pl.col("at") < self.timeline.end, ~(pl.col("unseen") & tracked))
        return _canonical(frame, name, kind)


def _canonical(frame: pl.DataFrame, name: str, kind: str) -> pl.DataFrame:
    number = pl.int_range(1, pl.len() + 1)
    known = pl.col("customer") > 0
    return frame.select(
        event_id=pl.format("{}-{}", pl.lit(kind), _padded(number)),
        name=pl.lit(name),
        occurred_at=pl.from_epoch("at", "us").dt.replace_time_zone("UTC"),
        customer_id=pl.when(known).then(pl.format("cus-{}", _padded(pl.col("customer")))),
        user_id=pl.when(known)
        .then(pl.format("usr-{}-{}", _padded(pl.col("customer")), pl.col("seat")))
        .otherwise(pl.format("visitor-{}", _padded(pl.col("session")))),
        session_id=pl.when(~pl.col("unseen")).then(pl.format("ses-{}", _padded(pl.col("session")))),
        amount_minor=pl.col("amount"),
        currency=pl.when(pl.col("amount").is_not_null()).then(pl.lit(CURRENCY)),
        properties=pl.col("properties"),
    )


def _padded(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.zfill(6)


def _json(properties: Mapping[str, pl.Series]) -> pl.Series:
    """Return one JSON object per row; a visitor without an account has no plan at all."""
    rows = pl.DataFrame(dict(properties)).select(pl.struct(pl.all()).struct.json_encode())
    return rows.to_series().str.replace(',"plan":null', "", literal=True)


def _order_properties(orders: Orders, which: Ints) -> dict[str, pl.Series]:
    product = orders.product[which]
    number = pl.Series(which + 1).cast(pl.String).str.zfill(6)
    return {
        "order_id": "ORD-" + number,
        "product_id": _PRODUCT_ID.gather(product),
        "product": _PRODUCT.gather(product),
        "quantity": pl.Series(orders.quantity[which]),
    }
