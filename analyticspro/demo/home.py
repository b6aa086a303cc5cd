"""People at home: who signs up in the app, buys credits and has pictures made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analyticspro.demo.company import COUNTRIES
from analyticspro.demo.pictures import AT_HOME, Pictures, paint
from analyticspro.demo.rhythm import HOUR, HOURS_PER_MONTH, Floats, Ints, Timeline, sample, within
from analyticspro.demo.trade import PACKS

__all__ = ["FREE_CREDITS", "Home", "live"]

FREE_CREDITS = 3
_GROWTH = 0.055  # of the sign-ups, a month
_BUYS = 0.42  # who uses up the free credits and then pays
# Monday to Sunday, and midnight to 23:00 UTC: evenings and weekends.
_WEEKDAYS = np.array([0.8, 0.75, 0.8, 0.9, 1.1, 1.5, 1.4])
_HOURS = np.array(
    [
        *(0.7, 0.5, 0.35, 0.25, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        *(0.9, 0.95, 1.0, 1.0, 1.1, 1.3, 1.6, 1.9, 2.1, 2.0, 1.6, 1.1),
    ]
)
_SEASON = np.array([1.15, 1.25, 0.9, 0.9, 0.95, 0.95, 0.95, 0.95, 0.9, 1.0, 1.15, 1.6])


@dataclass(frozen=True)
class Home:
    """People at home, in the order they signed up; purchases in order of time.

    Attributes:
        joined: When each signed up, in hours of the timeline.
        country: Position in COUNTRIES.
        buyer: Of each purchase, the position of who bought.
        pack: Position in PACKS.
        bought_at: In hours.
        pictures: What they had made.
    """

    joined: Floats
    country: Ints
    buyer: Ints
    pack: Ints
    bought_at: Floats
    pictures: Pictures


def live(rng: np.random.Generator, timeline: Timeline, people: int, pictures: int) -> Home:
    """Return people at home: about so many, with so many pictures, before the present."""
    busy = _busy(timeline)
    growth = (1 + _GROWTH) ** ((np.arange(timeline.hours) - timeline.opening) / HOURS_PER_MONTH)
    weights = busy * growth
    weights[: timeline.opening] = 0
    count = round(people * weights.sum() / weights[: timeline.now].sum())
    joined = np.sort(sample(rng, weights, count) + rng.random(count))
    person, at = _wishes(rng, timeline, busy, joined, pictures)
    kept, buyer, pack, bought_at = _paid(rng, timeline, person, at)
    nowhere = np.full(len(kept), AT_HOME)
    made = paint(rng, timeline, at[kept], at[kept], nowhere, person[kept])
    order = np.argsort(bought_at, kind="stable")
    country = sample(rng, np.array([country.share for country in COUNTRIES]), count)
    return Home(joined, country, buyer[order], pack[order], bought_at[order], made)


def _wishes(
    rng: np.random.Generator, timeline: Timeline, busy: Floats, joined: Floats, count: int
) -> tuple[Ints, Floats]:
    """Return who wants a picture, and when; in order of time."""
    stay = rng.exponential(7 * HOURS_PER_MONTH, len(joined))
    last = np.minimum(joined + 0.5 + stay, timeline.hours)
    passed = np.concatenate([[0.0], np.cumsum(busy)])
    hours = np.arange(timeline.hours + 1, dtype=np.float64)
    begin, end = np.interp(joined, hours, passed), np.interp(last, hours, passed)
    present = np.interp(np.minimum(last, timeline.now), hours, passed)
    keen = rng.gamma(0.7, size=len(joined))
    weights = keen * (end - begin)
    known = (keen * np.maximum(present - begin, 0)).sum()
    total = round(count * weights.sum() / max(known, 1e-9))
    person = sample(rng, weights, total)
    at = np.interp(begin[person] + rng.random(total) * (end - begin)[person], passed, hours)
    at = np.maximum(at, joined[person] + 0.02)
    order = np.argsort(at, kind="stable")
    order = order[at[order] < timeline.hours]
    return person[order], at[order]


def _paid(
    rng: np.random.Generator, timeline: Timeline, person: Ints, at: Floats
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return which wishes came true, and the purchases that made them: who, what, when.

    Who has no credit left buys a pack, or never comes back; while payments are down nobody
    can, and tries again later. A failed picture costs nothing in the end, so that credits
    used never exceed those granted and bought.
    """
    down = within(timeline.instants(at), timeline.incidents.payment_outage)
    packs = sample(rng, np.array([pack.share for pack in PACKS]), len(at))
    is_buyer = rng.random(int(person.max(initial=0)) + 1) < _BUYS
    balance: dict[int, int] = {}
    kept, bought = [], []
    for position, who in enumerate(person.tolist()):
        left = balance.get(who, FREE_CREDITS)
        if left == 0:
            if down[position] or not is_buyer[who]:
                continue
            left = PACKS[packs[position]].credits
            bought.append(position)
        balance[who] = left - 1
        kept.append(position)
    positions = np.array(bought, np.int64)
    return np.array(kept, np.int64), person[positions], packs[positions], at[positions] - 0.015


def _busy(timeline: Timeline) -> Floats:
    stamps = timeline.start + HOUR * np.arange(timeline.hours) + HOUR // 2
    wall = pl.from_epoch(pl.Series(stamps), "us")
    weekday = _WEEKDAYS[wall.dt.weekday().to_numpy() - 1]
    season = _SEASON[wall.dt.month().to_numpy() - 1]
    busy: Floats = weekday * season * _HOURS[wall.dt.hour().to_numpy()]
    return busy
