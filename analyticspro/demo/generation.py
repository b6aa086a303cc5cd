"""From customers to visits to orders to events, in that order."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from analyticspro.demo.orders import cancel, choose, price, refund
from analyticspro.demo.people import recruit
from analyticspro.demo.rhythm import Ints, Timeline, sample
from analyticspro.demo.story import Story
from analyticspro.demo.visits import Visits, page_offsets, receive
from analyticspro.errors import DefinitionError

__all__ = ["FEWEST", "generate"]

# With fewer, most months of most countries would be empty.
FEWEST = 500

_SESSIONS, _SIGN_UPS, _ORDERS = 0.24, 0.035, 0.06
_PAGES_TO_ORDER = 4


def generate(*, events: int = 200_000, seed: int = 7, until: datetime) -> pl.DataFrame:
    """Return the demo company's events of the 18 months before `until`.

    Equal arguments give equal events. The number of events is met to within 1 %.

    Args:
        events: How many, at least 500.
        seed: Another seed is another company of the same kind.
        until: End of the data, excluded, aware.

    Returns:
        One row per event, ordered by `occurred_at` and `event_id`. Columns: event_id,
        name, occurred_at (Datetime us UTC), customer_id and user_id (null for a visitor
        who did not sign in), session_id (null where tracking was down), amount_minor
        (Int64, US cents, negative for order_cancelled and order_refunded, null where
        there is no money), currency, properties (JSON object), raw (null: nothing came
        from outside), version (null: nothing comes twice).

    Raises:
        DefinitionError: Too few events, or `until` carries no zone.
    """
    if events < FEWEST:
        raise DefinitionError(f"{events} demo events are too few. Ask for {FEWEST} or more.")
    if until.tzinfo is None:
        raise DefinitionError(f"The end of the demo data, {until}, has no time zone. Use UTC.")
    rng = np.random.default_rng(seed)
    timeline = Timeline.ending(until.astimezone(UTC))
    people = recruit(rng, timeline, round(events * _SIGN_UPS))
    visits = receive(rng, timeline, people, round(events * _SESSIONS))
    chosen = choose(rng, timeline, people, visits, round(events * _ORDERS))
    story = Story(timeline, people, visits)
    pages = _page_counts(rng, visits, chosen, events)
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
    return pl.concat(frames).sort("occurred_at", "event_id")


def _page_counts(rng: np.random.Generator, visits: Visits, chosen: Ints, events: int) -> Ints:
    """Return the pages of each session, so many that all events together come to `events`."""
    pages = np.where(visits.is_sign_up, 2, 1)
    pages[chosen] = _PAGES_TO_ORDER
    told = len(pages) + int(visits.is_sign_up.sum()) + round(len(chosen) * 1.05)
    spare = max(0, events - told - int(pages.sum()))
    # Not everyone looks further: whoever does not, bounces.
    curious = rng.random(len(pages)) < 0.5
    curious[chosen] = True
    pages += np.bincount(sample(rng, curious.astype(np.float64), spare), minlength=len(pages))
    return pages.astype(np.int64)
