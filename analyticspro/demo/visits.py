"""Sessions: who came, when, by which way, and how many pages were looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.company import CHANNELS, COUNTRIES, PLANS
from analyticspro.demo.people import People, window
from analyticspro.demo.rhythm import Floats, Ints, Timeline, sample

__all__ = ["NOBODY", "Visits", "page_offsets", "receive"]

NOBODY = -1
_ANONYMOUS_SHARE = 0.32
_SOCIAL = [name for name, _ in CHANNELS].index("social")


@dataclass(frozen=True)
class Visits:
    """One entry per session, in the order of their start.

    Attributes:
        customer: Position in People, or NOBODY for a visitor who did not sign in.
        seat: Which of the customer's people it was, from 0.
        country: Position in COUNTRIES.
        channel: Position in CHANNELS.
        start: In hours of the timeline.
        is_sign_up: Whether the customer's account was made in it.
    """

    customer: Ints
    seat: Ints
    country: Ints
    channel: Ints
    start: Floats
    is_sign_up: np.typing.NDArray[np.bool_]


def receive(rng: np.random.Generator, timeline: Timeline, people: People, count: int) -> Visits:
    """Return sessions: one for each sign-up, the rest returning or anonymous.

    There are `count` before the story's present; as many more as follow from it behind.
    """
    signed_up = np.flatnonzero(people.joined >= timeline.opening)
    strangers = round(count * _ANONYMOUS_SHARE)
    known = int((people.joined[signed_up] < timeline.now).sum())
    returning = max(0, count - strangers - known)
    guest_country, guest_start = _strangers(rng, timeline, strangers)
    member, member_start = _returning(rng, timeline, people, returning)
    customer = np.concatenate([signed_up, member, np.full(len(guest_start), NOBODY)])
    country = np.concatenate([people.country[signed_up], people.country[member], guest_country])
    # Making an account takes a few minutes of the session.
    first = people.joined[signed_up] - (1 + 4 * rng.random(len(signed_up))) / 60
    start = np.concatenate([np.maximum(first, timeline.opening), member_start, guest_start])
    is_sign_up = np.arange(len(customer)) < len(signed_up)
    seats = np.array([plan.seats for plan in PLANS])[people.plan[customer]]
    seat = np.where(is_sign_up | (customer == NOBODY), 0, rng.integers(0, seats))
    order = np.argsort(start, kind="stable")
    channel = _channels(rng, timeline, people, customer, start, is_sign_up)
    return Visits(
        customer=customer[order],
        seat=seat[order],
        country=country[order],
        channel=channel[order],
        start=start[order],
        is_sign_up=is_sign_up[order],
    )


def page_offsets(rng: np.random.Generator, pages: Ints) -> Floats:
    """Return how long after its session's start each page was opened, in hours.

    Pages are seconds to minutes apart, far less than the 30 minutes that end a session.
    """
    gaps = np.clip(rng.exponential(70, int(pages.sum())), 4, 900) / 3600
    firsts = np.cumsum(pages) - pages
    gaps[firsts] = 0.0
    elapsed = np.cumsum(gaps)
    return np.asarray(elapsed - np.repeat(elapsed[firsts], pages))


def _strangers(rng: np.random.Generator, timeline: Timeline, count: int) -> tuple[Ints, Floats]:
    weights = timeline.rhythm * timeline.growth * timeline.viral
    told = weights[:, timeline.opening :]
    count = round(count * told.sum() / weights[:, timeline.opening : timeline.now].sum())
    country, hour = np.divmod(sample(rng, told.ravel(), count), told.shape[1])
    return country, timeline.opening + hour + rng.random(count)


def _returning(
    rng: np.random.Generator, timeline: Timeline, people: People, count: int
) -> tuple[Ints, Floats]:
    """Return `count` sessions of customers: who, and when.

    A customer's sessions follow its country's rhythm while the customer is there, so
    growth and churn of the traffic follow from those of the customers.
    """
    hours = np.arange(timeline.hours + 1, dtype=np.float64)
    busy = np.cumsum(timeline.rhythm, axis=1)
    busy = np.concatenate([np.zeros((len(COUNTRIES), 1)), busy], axis=1)
    first, last = window(people, timeline)
    begin, end, present = np.empty_like(first), np.empty_like(last), np.empty_like(last)
    for country in range(len(COUNTRIES)):
        own = people.country == country
        begin[own] = np.interp(first[own], hours, busy[country])
        end[own] = np.interp(last[own], hours, busy[country])
        present[own] = np.interp(np.minimum(last[own], timeline.now), hours, busy[country])
    known = (people.visits * np.maximum(present - begin, 0)).sum()
    weights = people.visits * (end - begin)
    count = round(count * weights.sum() / max(known, 1e-9))
    member = sample(rng, weights, count)
    passed = begin[member] + rng.random(count) * (end[member] - begin[member])
    start = np.empty(count)
    for country in range(len(COUNTRIES)):
        own = people.country[member] == country
        start[own] = np.interp(passed[own], busy[country], hours)
    return member, start


def _channels(
    rng: np.random.Generator,
    timeline: Timeline,
    people: People,
    customer: Ints,
    start: Floats,
    is_sign_up: np.typing.NDArray[np.bool_],
) -> Ints:
    drawn = sample(rng, np.array([share for _, share in CHANNELS]), len(customer))
    channel = np.where(is_sign_up, people.channel[customer], drawn)
    viral = timeline.viral[timeline.hour_of(start)]
    by_word = (customer == NOBODY) & (rng.random(len(customer)) < 1 - 1 / viral)
    return np.where(by_word, _SOCIAL, channel)
