"""Who the customers are: when each signed up, where, on which plan, and when it went quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.company import CHANNELS, PLANS
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline, sample

__all__ = ["People", "recruit", "window"]

_UPGRADED = np.array([0.0, 0.25, 0.35])  # of each plan, those that began one plan lower


@dataclass(frozen=True)
class People:
    """One entry per customer, in the order they signed up.

    Attributes:
        country: Position in COUNTRIES.
        plan: Position in PLANS; at the end.
        upgraded: Since when it is that, in hours; before, it was one plan lower. Minus
            infinity for one that never was.
        channel: Position in CHANNELS; where the customer was won.
        joined: When it signed up, in hours of the timeline.
        left: When it went quiet for good, in hours; may lie beyond the timeline.
        visits: How often it comes, relative to the others.
    """

    country: Ints
    plan: Ints
    upgraded: Floats
    channel: Ints
    joined: Floats
    left: Floats
    visits: Floats

    def plan_at(self, customer: Ints, at: Floats) -> Ints:
        """Return which plan each customer had at a time, in hours."""
        return self.plan[customer] - (at < self.upgraded[customer])


def recruit(rng: np.random.Generator, timeline: Timeline, sign_ups: int) -> People:
    """Return customers, of whom about `sign_ups` signed up from the opening to the present."""
    weights = timeline.rhythm * timeline.growth * (1 + (timeline.viral - 1) / 3)
    told = weights[:, timeline.opening : timeline.now]
    count = round(sign_ups * weights.sum() / told.sum())
    cells = sample(rng, weights.ravel(), count)
    country, hour = np.divmod(cells, timeline.hours)
    joined = hour + rng.random(count)
    order = np.argsort(joined, kind="stable")
    plan = sample(rng, np.array([plan.share for plan in PLANS]), count)
    months = np.array([plan.months for plan in PLANS])[plan]
    left = joined[order] + rng.exponential(months) * HOURS_PER_MONTH
    upgraded = joined[order] + rng.uniform(0.1, 0.7, count) * (left - joined[order])
    upgraded[rng.random(count) >= _UPGRADED[plan]] = -np.inf
    frequency = np.array([plan.visits for plan in PLANS])[plan]
    return People(
        country=country[order],
        plan=plan,
        upgraded=upgraded,
        channel=sample(rng, np.array([share for _, share in CHANNELS]), count),
        joined=joined[order],
        left=left,
        visits=frequency * rng.gamma(1.2, size=count),
    )


def window(people: People, timeline: Timeline) -> tuple[Floats, Floats]:
    """Return from when to when each customer may be seen, in hours; equal if never."""
    first = np.maximum(people.joined, timeline.opening)
    return first, np.clip(people.left, first, timeline.hours)
