"""Who the customers are: when each signed up, where, on which plan, and when it went quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.company import CHANNELS, PLANS
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline, sample

__all__ = ["People", "recruit", "window"]

# For each customer that signs up while events are told, so many signed up in all.
_WITH_EARLIER = 1.35


@dataclass(frozen=True)
class People:
    """One entry per customer, in the order they signed up.

    Attributes:
        country: Position in COUNTRIES.
        plan: Position in PLANS.
        channel: Position in CHANNELS; where the customer was won.
        joined: When it signed up, in hours of the timeline.
        left: When it went quiet for good, in hours; may lie beyond the timeline.
        visits: How often it comes, relative to the others.
    """

    country: Ints
    plan: Ints
    channel: Ints
    joined: Floats
    left: Floats
    visits: Floats


def recruit(rng: np.random.Generator, timeline: Timeline, sign_ups: int) -> People:
    """Return customers, of whom about `sign_ups` signed up since the timeline's opening."""
    count = round(sign_ups * _WITH_EARLIER)
    weights = timeline.rhythm * timeline.growth * (1 + (timeline.viral - 1) / 3)
    cells = sample(rng, weights.ravel(), count)
    country, hour = np.divmod(cells, timeline.hours)
    joined = hour + rng.random(count)
    order = np.argsort(joined, kind="stable")
    plan = sample(rng, np.array([plan.share for plan in PLANS]), count)
    months = np.array([plan.months for plan in PLANS])[plan]
    frequency = np.array([plan.visits for plan in PLANS])[plan]
    return People(
        country=country[order],
        plan=plan,
        channel=sample(rng, np.array([share for _, share in CHANNELS]), count),
        joined=joined[order],
        left=joined[order] + rng.exponential(months) * HOURS_PER_MONTH,
        visits=frequency * rng.gamma(1.2, size=count),
    )


def window(people: People, timeline: Timeline) -> tuple[Floats, Floats]:
    """Return from when to when each customer may be seen, in hours; equal if never."""
    first = np.maximum(people.joined, timeline.opening)
    return first, np.clip(people.left, first, timeline.hours)
