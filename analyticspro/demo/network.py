"""The partners: agencies that run photo booths at events, their contracts and their events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analyticspro.demo.company import COUNTRIES
from analyticspro.demo.rhythm import HOUR, HOURS_PER_MONTH, Floats, Ints, Timeline, micros, sample
from analyticspro.demo.trade import KINDS, PARTNERS_PER_EVENT, TIERS

__all__ = ["Network", "build"]

_GROWTH = 0.07  # of the partners approved, a month
_FEWEST = 6
_YEAR = 12 * HOURS_PER_MONTH
_DAY = 24.0


@dataclass(frozen=True)
class Network:
    """Partners, in the order they were approved, and their events, in the order they start.

    All times are hours of the timeline.

    Attributes:
        tier: Position in TIERS, of each partner.
        kind: Position in KINDS: what it mostly does.
        country: Position in COUNTRIES.
        applied, approved: When each partner asked, and when it was let in.
        left: When it was deactivated; infinity if it stays to the end.
        paused: From when to when it was suspended; equal if never (two columns).
        partner: Of each event, its partner's position.
        event_kind: Position in KINDS.
        created, starts, ends: When each event was planned, begins and is over.
        cancelled: When it was called off; infinity if it was held.
        guests: How many people come.
    """

    tier: Ints
    kind: Ints
    country: Ints
    applied: Floats
    approved: Floats
    left: Floats
    paused: Floats
    partner: Ints
    event_kind: Ints
    created: Floats
    starts: Floats
    ends: Floats
    cancelled: Floats
    guests: Ints

    @property
    def is_held(self) -> np.typing.NDArray[np.bool_]:
        """Which events were held."""
        return np.isinf(self.cancelled)


def build(rng: np.random.Generator, timeline: Timeline, events: int) -> Network:
    """Return the partners of a story of `events` events, and all that they plan."""
    partners = _partners(rng, timeline, events)
    tier, kind, approved, left, paused = partners
    mean = np.array([tier.events for tier in TIERS])[tier]
    monthly = mean * rng.gamma(2.0, 0.5, len(tier))
    busy = _busy(timeline)
    found: list[tuple[Ints, Floats]] = []
    for who in range(len(tier)):
        first = max(int(approved[who] // _DAY) + 7, timeline.opening // 24)
        last = int(min(left[who], timeline.hours) // _DAY) - 1
        if last <= first:
            continue
        weights = busy[kind[who], first:last]
        count = rng.poisson(monthly[who] * weights.sum() * _DAY / HOURS_PER_MONTH)
        day = first + sample(rng, weights, count)
        found.append((np.full(count, who), day * _DAY + rng.uniform(11, 20, count)))
    found.append(_on_the_bad_evening(timeline, approved, left))
    partner = np.concatenate([each for each, _ in found])
    starts = np.concatenate([when for _, when in found])
    free = (starts < paused[partner, 0]) | (starts >= paused[partner, 1])
    order = np.argsort(starts[free], kind="stable")
    return _with_events(rng, timeline, partners, partner[free][order], starts[free][order])


def _partners(
    rng: np.random.Generator, timeline: Timeline, events: int
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Return tier, kind, approval, end and pause of each partner."""
    months = (np.arange(timeline.hours) - timeline.opening) / HOURS_PER_MONTH
    weights = (1 + _GROWTH) ** months
    told = weights[: timeline.now].sum()
    count = round(max(_FEWEST, events * PARTNERS_PER_EVENT) * weights.sum() / told)
    approved = np.sort(sample(rng, weights, count) + rng.random(count))
    # The platform opens with those that were won before, and with two at least.
    approved[:2] = 0
    early = approved < timeline.opening + 24
    approved[early] = timeline.opening + rng.uniform(24, 120, early.sum())
    tier = sample(rng, np.array([tier.share for tier in TIERS]), count)
    kind = sample(rng, np.array([kind.share for kind in KINDS]), count)
    years = 1 + rng.geometric(0.35, count)
    is_brief = rng.random(count) < 0.10
    stay = np.where(is_brief, rng.uniform(2, 9, count) * HOURS_PER_MONTH, years * _YEAR)
    approved = np.sort(approved)
    left = np.where(approved + stay < timeline.hours, approved + stay, np.inf)
    begin = approved + rng.uniform(30, 200, count) * _DAY
    is_paused = (rng.random(count) < 0.12) & (begin + 12 * _DAY < left)
    end = begin + np.where(is_paused, rng.uniform(3, 10, count) * _DAY, 0)
    return tier, kind, approved, left, np.stack([begin, end], axis=1)


def _on_the_bad_evening(timeline: Timeline, approved: Floats, left: Floats) -> tuple[Ints, Floats]:
    """Return events that run when the generation is down, so that it is noticed."""
    down = (micros(timeline.incidents.generation_outage[0]) - timeline.start) / HOUR
    there = np.flatnonzero((approved + 14 * _DAY < down) & (left > down + 2 * _DAY))[:4]
    return there.astype(np.int64), down - 0.4 * np.arange(1.0, len(there) + 1)


def _with_events(
    rng: np.random.Generator,
    timeline: Timeline,
    partners: tuple[Ints, Ints, Floats, Floats, Floats],
    partner: Ints,
    starts: Floats,
) -> Network:
    tier, kind, approved, left, paused = partners
    count = len(partner)
    other = sample(rng, np.array([kind.share for kind in KINDS]), count)
    event_kind = np.where(rng.random(count) < 0.75, kind[partner], other)
    planned = starts - rng.uniform(3, 45, count) * _DAY
    created = np.maximum(planned, approved[partner] + rng.uniform(1, 100, count))
    created = np.minimum(created, starts - 2)
    called_off = created + rng.random(count) * (starts - 1 - created)
    size = np.array([kind.guests for kind in KINDS])[event_kind]
    return Network(
        tier=tier,
        kind=kind,
        country=sample(rng, np.array([country.share for country in COUNTRIES]), len(tier)),
        applied=np.maximum(approved - rng.uniform(12, 120, len(tier)), timeline.opening + 0.2),
        approved=approved,
        left=left,
        paused=paused,
        partner=partner,
        event_kind=event_kind,
        created=created,
        starts=starts,
        ends=starts + rng.uniform(3, 5.5, count),
        cancelled=np.where(rng.random(count) < 0.05, called_off, np.inf),
        guests=np.maximum(12, (size * rng.lognormal(0, 0.35, count))).astype(np.int64),
    )


def _busy(timeline: Timeline) -> Floats:
    """Return how busy each day is, per kind of event (rows)."""
    days = timeline.hours // 24 + 1
    stamps = timeline.start + HOUR * 24 * np.arange(days) + 12 * HOUR
    noon = pl.from_epoch(pl.Series(stamps), "us")
    weekday, month = noon.dt.weekday().to_numpy() - 1, noon.dt.month().to_numpy() - 1
    return np.stack(
        [np.array(kind.weekdays)[weekday] * np.array(kind.months)[month] for kind in KINDS]
    )
