"""Orders, and what became of them: kept, cancelled or refunded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.company import PLANS, PRODUCTS
from analyticspro.demo.people import People
from analyticspro.demo.rhythm import HOUR, Ints, Timeline, sample, within
from analyticspro.demo.visits import NOBODY, Visits

__all__ = ["Orders", "Reversals", "cancel", "choose", "price", "refund"]

_CANCELLED, _CANCELLED_WHEN_FAULTY, _REFUNDED = 0.03, 0.10, 0.02


@dataclass(frozen=True)
class Orders:
    """One entry per order, in the order they were placed.

    Attributes:
        visit: Position in Visits of the session it was placed in.
        at: Microseconds since 1970.
        product: Position in PRODUCTS.
        quantity: Pieces.
        amount: In cents.
    """

    visit: Ints
    at: Ints
    product: Ints
    quantity: Ints
    amount: Ints


@dataclass(frozen=True)
class Reversals:
    """Cancellations or refunds: the position of the order, when, and how much (negative)."""

    order: Ints
    at: Ints
    amount: Ints


def choose(
    rng: np.random.Generator, timeline: Timeline, people: People, visits: Visits, count: int
) -> Ints:
    """Return the positions of the sessions that end in an order, in their order; none twice.

    About `count` of them before the story's present; as many more as follow from it behind.
    Nobody orders without an account, nor while payments are down.
    """
    conversion = np.array([plan.conversion for plan in PLANS])[people.plan[visits.customer]]
    readiness = conversion * timeline.sale[timeline.hour_of(visits.start)]
    down = within(timeline.instants(visits.start), timeline.incidents.payment_outage)
    able = np.flatnonzero((visits.customer != NOBODY) & ~down)
    known = readiness[able][visits.start[able] < timeline.now].sum()
    count = round(count * readiness[able].sum() / max(known, 1e-9))
    # The smallest of exponential draws over their weights are a weighted sample without repeats.
    draws = rng.exponential(size=len(able)) / readiness[able]
    return np.sort(able[np.argsort(draws, kind="stable")[:count]])


def price(
    rng: np.random.Generator,
    timeline: Timeline,
    people: People,
    visits: Visits,
    chosen: Ints,
    reached_at: Ints,
) -> Orders:
    """Return the orders of the `chosen` sessions, whose checkout page was reached at `reached_at`.

    A checkout that was reached while payments were down, or too late to end before the
    timeline does, came to nothing.
    """
    at = reached_at + rng.integers(20_000_000, 90_000_000, len(chosen))
    product = sample(rng, np.array([item.popularity for item in PRODUCTS]), len(chosen))
    cents = np.array([item.price for item in PRODUCTS])[product]
    more = np.array([plan.quantity for plan in PLANS])[people.plan[visits.customer[chosen]]]
    # Several pens, seldom several desks.
    quantity = 1 + rng.poisson(more * np.sqrt(6000 / cents))
    paid = ~within(at, timeline.incidents.payment_outage) & (at < timeline.end)
    order = np.argsort(at[paid], kind="stable")
    return Orders(
        visit=chosen[paid][order],
        at=at[paid][order],
        product=product[paid][order],
        quantity=quantity[paid][order],
        amount=(cents * quantity)[paid][order],
    )


def cancel(rng: np.random.Generator, timeline: Timeline, orders: Orders) -> Reversals:
    """Return the cancellations, minutes to three days after the order, of its whole amount."""
    faulty = within(orders.at, timeline.incidents.faulty_batch)
    rate = np.where(faulty, _CANCELLED_WHEN_FAULTY, _CANCELLED)
    gone = np.flatnonzero(rng.random(len(rate)) < rate)
    hours = np.clip(rng.exponential(7, len(gone)), 0.1, 72)
    return _reversals(timeline, gone, orders.at[gone] + _micros(hours), orders.amount[gone])


def refund(
    rng: np.random.Generator, timeline: Timeline, orders: Orders, cancelled: Reversals
) -> Reversals:
    """Return the refunds, 2 to 21 days after the order: three in four of all, else of half."""
    sent = rng.random(len(orders.at)) < _REFUNDED
    sent[cancelled.order] = False
    back = np.flatnonzero(sent)
    days = rng.uniform(2, 21, len(back))
    whole = rng.random(len(back)) < 0.75
    amount = np.where(whole, orders.amount[back], orders.amount[back] // 2)
    return _reversals(timeline, back, orders.at[back] + _micros(24 * days), amount)


def _micros(hours: np.typing.NDArray[np.float64]) -> Ints:
    return (hours * HOUR).astype(np.int64)


def _reversals(timeline: Timeline, order: Ints, at: Ints, amount: Ints) -> Reversals:
    """Return those that have happened by the end of the timeline, in the order they did."""
    known = at < timeline.end
    by_time = np.argsort(at[known], kind="stable")
    return Reversals(order[known][by_time], at[known][by_time], -amount[known][by_time])
