"""From customers to visits to orders to events, in that order."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.orders import cancel, choose, price, refund
from analyticspro.demo.people import People, recruit
from analyticspro.demo.rhythm import Ints, Timeline, sample
from analyticspro.demo.story import Story
from analyticspro.demo.visits import Visits, page_offsets, receive

__all__ = ["shop"]

_SESSIONS, _SIGN_UPS, _ORDERS = 0.24, 0.035, 0.06
_PAGES_TO_ORDER = 4


def shop(rng: np.random.Generator, timeline: Timeline, events: int) -> tuple[People, pl.DataFrame]:
    """Return the shop's customers, and what happened in it and on its pages.

    Args:
        rng: Whose numbers make another shop of the same kind.
        timeline: Of the story.
        events: How many before the story's present; met to within 1 %.

    Returns:
        The frame has a row per event, ordered by `occurred_at` and `event_id`. Columns:
        event_id, name, occurred_at (Datetime us UTC), customer_id (null for a visitor who did
        not sign in), user_id (then the visitor's), session_id (null where tracking was down),
        amount_minor (Int64, US cents, negative for order_cancelled and order_refunded, null
        where there is no money), currency, properties (JSON object).
    """
    people = recruit(rng, timeline, round(events * _SIGN_UPS))
    visits = receive(rng, timeline, people, round(events * _SESSIONS))
    chosen = choose(rng, timeline, people, visits, round(events * _ORDERS))
    story = Story(timeline, people, visits)
    pages = _page_counts(rng, timeline, visits, chosen, events)
    offsets = page_offsets(rng, pages)
    last = np.cumsum(pages)[chosen] - 1
    reached = timeline.instants(visits.start[chosen] + offsets[last])
    orders = price(rng, timeline, people, visits, chosen, reached)
    cancelled = cancel(rng, timeline, orders)
    refunded = refund(rng, timeline, orders, cancelled)
    frames = [
        story.sessions(),
        story.pages(rng, pages, offsets, chosen),
        story.sign_ups(),
        story.orders(orders),
        story.reversals("order_cancelled", "cancellation", orders, cancelled),
        story.reversals("order_refunded", "refund", orders, refunded),
    ]
    return people, pl.concat(frames).sort("occurred_at", "event_id")


def _page_counts(
    rng: np.random.Generator, timeline: Timeline, visits: Visits, chosen: Ints, events: int
) -> Ints:
    """Return the pages of each session, so many that all told events come to `events`."""
    pages = np.where(visits.is_sign_up, 2, 1)
    pages[chosen] = _PAGES_TO_ORDER
    told = visits.start < timeline.now
    others = told.sum() + visits.is_sign_up[told].sum() + round(told[chosen].sum() * 1.05)
    spare = max(0, events - int(others) - int(pages[told].sum()))
    # Not everyone looks further: whoever does not, bounces.
    curious = rng.random(len(pages)) < 0.5
    curious[chosen] = True
    known = max(1, int((curious & told).sum()))
    spare = round(spare * int(curious.sum()) / known)
    pages += np.bincount(sample(rng, curious.astype(np.float64), spare), minlength=len(pages))
    return pages.astype(np.int64)
