"""Pictures that are generated: by guests of events, and by people at home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyticspro.demo.network import Network
from analyticspro.demo.rhythm import HOURS_PER_MONTH, Floats, Ints, Timeline, sample, within
from analyticspro.demo.trade import STYLES

__all__ = ["AT_HOME", "Pictures", "at_events", "paint", "style_times"]

AT_HOME = -1
_FAILED, _FAILED_IN_OUTAGE = 0.018, 0.88
_WANTED_PER_GUEST = 0.8
_UPLOADED_LATE = 0.05  # of the events, those whose booth is offline until the next day


@dataclass(frozen=True)
class Pictures:
    """One entry per picture that was asked for, in order of time.

    Attributes:
        at: In hours of the timeline.
        told: When it came to be known; later than `at` where a booth was offline.
        event: Position of the event, or AT_HOME.
        person: Position among the people at home; -1 for a guest of an event.
        style: Position in STYLES.
        seconds: How long it took.
        is_done: Whether there is a picture: only then it cost a credit.
    """

    at: Floats
    told: Floats
    event: Ints
    person: Ints
    style: Ints
    seconds: Floats
    is_done: np.typing.NDArray[np.bool_]


def style_times(timeline: Timeline) -> tuple[Floats, Floats]:
    """Return since when and until when each style is offered, in hours of the timeline."""
    added = [-np.inf if s.added is None else s.added for s in STYLES]
    retired = [np.inf if s.retired is None else s.retired for s in STYLES]
    # Not on the hour: at the time of day when someone gets around to it.
    moment = timeline.opening + 0.4 + 9.7 * np.arange(len(STYLES))
    return (
        moment + np.array(added) * HOURS_PER_MONTH,
        moment + np.array(retired) * HOURS_PER_MONTH,
    )


def at_events(
    rng: np.random.Generator, timeline: Timeline, network: Network, count: int
) -> Pictures:
    """Return the pictures asked for at events, about `count` before the story's present."""
    held = np.flatnonzero(network.is_held)
    mood = network.guests[held] * _WANTED_PER_GUEST * rng.lognormal(0, 0.4, len(held))
    known = mood[network.starts[held] < timeline.now].sum()
    each = np.maximum(1, rng.poisson(mood * count / max(known, 1e-9)))
    event = np.repeat(held, each)
    # Guests warm up: most pictures are taken in the middle of the evening.
    share = rng.beta(2.2, 1.8, len(event)) * 0.98
    at = network.starts[event] + share * (network.ends[event] - network.starts[event])
    late = rng.random(len(network.starts)) < _UPLOADED_LATE
    delay = rng.uniform(8, 20, len(network.starts))
    told = np.where(late[event], network.ends[event] + delay[event], at)
    nobody = np.full(len(event), -1)
    return paint(rng, timeline, at, told, event, nobody)


def paint(
    rng: np.random.Generator,
    timeline: Timeline,
    at: Floats,
    told: Floats,
    event: Ints,
    person: Ints,
) -> Pictures:
    """Return pictures asked for at given times, in whatever styles were offered then."""
    seconds = np.clip(rng.lognormal(1.75, 0.45, len(at)), 1.2, 90)
    style = _styles(rng, timeline, at)
    down = within(timeline.instants(at), timeline.incidents.generation_outage)
    is_done = rng.random(len(at)) >= np.where(down, _FAILED_IN_OUTAGE, _FAILED)
    seconds = np.where(down, np.minimum(seconds * 6, 90), seconds)
    order = np.argsort(at, kind="stable")
    return Pictures(
        at[order],
        told[order],
        event[order],
        person[order],
        style[order],
        seconds[order],
        is_done[order],
    )


def _styles(rng: np.random.Generator, timeline: Timeline, at: Floats) -> Ints:
    added, retired = style_times(timeline)
    popularity = np.array([style.popularity for style in STYLES])
    edges = np.unique(np.concatenate([added, retired]))
    era = np.searchsorted(edges, at, side="right")
    chosen = np.zeros(len(at), np.int64)
    for number in np.unique(era):
        middle = edges[number - 1] if number else -np.inf
        offered = (added <= middle) & (retired > middle)
        # What is new is tried out by many.
        fresh = 1 + 0.8 * (np.isfinite(added) & (added > middle - HOURS_PER_MONTH))
        own = np.flatnonzero(era == number)
        chosen[own] = sample(rng, popularity * offered * fresh, len(own))
    return chosen
