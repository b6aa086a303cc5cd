"""Support tickets: opened, replied to, resolved, and what people thought of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.demo.rhythm import HOUR, HOURS_PER_MONTH, Floats, Timeline, micros, sample

__all__ = ["tickets"]

_TOPICS = ("billing", "pictures", "event set-up", "account", "delivery", "other")
_SHARES = np.array([0.22, 0.24, 0.16, 0.14, 0.14, 0.10])
_CHANNELS = ("email", "chat", "phone")
_PRIORITIES = ("low", "normal", "high")
_GROWTH = 0.05
# Incident, what it is about, how many hours later people still write, and how many tickets it
# brings for each that a usual week has.
_SPIKES = (
    ("payment_outage", 0, 10.0, 1.0),
    ("generation_outage", 1, 14.0, 0.8),
    ("faulty_batch", 4, 72.0, 0.9),
    ("break_in", 3, 24.0, 0.15),
)


def tickets(rng: np.random.Generator, timeline: Timeline, count: int) -> pl.DataFrame:
    """Return tickets, in the order they were opened; about `count` before the present.

    Returns:
        Columns: opened, replied, resolved (hours; replied after opened, resolved after
        replied; null: never), topic, channel, priority, csat (1 to 5, null: not asked or not
        answered), asker (a number from 0 to 1: who of those who could).
    """
    opened, topic = _opened(rng, timeline, count)
    is_spike = topic >= 0
    usual = sample(rng, _SHARES, len(opened))
    topic = np.where(is_spike, topic, usual)
    priority = sample(rng, np.array([0.2, 0.62, 0.18]), len(opened))
    priority = np.where(is_spike & (rng.random(len(opened)) < 0.6), 2, priority)
    wait = rng.lognormal(np.array([1.5, 1.0, 0.1])[priority], 0.7) * np.where(is_spike, 3.0, 1.0)
    replied = opened + np.maximum(wait, 0.05) + _night(timeline, opened)
    resolved = replied + np.maximum(rng.lognormal(2.4, 1.0, len(opened)), 0.05)
    happy = 4.6 - 0.12 * np.minimum(wait, 12) - 0.008 * np.minimum(resolved - opened, 150)
    csat = np.clip(np.round(rng.normal(happy, 0.8)), 1, 5)
    is_open = rng.random(len(opened)) < 0.03
    is_told = (rng.random(len(opened)) < 0.45) & ~is_open
    return pl.DataFrame(
        {
            "opened": opened,
            "replied": replied,
            "resolved": pl.Series(resolved).set(pl.Series(is_open), None),
            "topic": pl.Series(_TOPICS).gather(topic),
            "channel": pl.Series(_CHANNELS).gather(
                sample(rng, np.array([0.55, 0.35, 0.1]), len(opened))
            ),
            "priority": pl.Series(_PRIORITIES).gather(priority),
            "csat": pl.Series(csat.astype(np.int64)).set(pl.Series(~is_told), None),
            "asker": rng.random(len(opened)),
        }
    )


def _opened(rng: np.random.Generator, timeline: Timeline, count: int) -> tuple[Floats, Floats]:
    """Return when tickets were opened, and which topic an incident gives; -1 for none."""
    hours = np.arange(timeline.hours)
    weights: Floats = timeline.rhythm.mean(axis=0) + 0.1
    weights = weights * (1 + _GROWTH) ** ((hours - timeline.opening) / HOURS_PER_MONTH)
    weights = np.where(hours < timeline.opening, 0.0, weights)
    known = weights[: timeline.now].sum()
    total = round(count * weights.sum() / known)
    times = [sample(rng, weights, total) + rng.random(total)]
    topics = [np.full(total, -1)]
    a_week = count * weights[timeline.now - 168 : timeline.now].sum() / known
    for name, about, after, share in _SPIKES:
        start, end = (
            (micros(edge) - timeline.start) / HOUR for edge in getattr(timeline.incidents, name)
        )
        extra = max(2, round(a_week * share))
        times.append(start + rng.beta(1.2, 2.0, extra) * (end + after - start) + 0.2)
        topics.append(np.full(extra, about))
    opened, topic = np.concatenate(times), np.concatenate(topics)
    order = np.argsort(opened, kind="stable")
    return opened[order], topic[order]


def _night(timeline: Timeline, opened: Floats) -> Floats:
    """Return how long nobody is there yet: the desk works from 7 to 19 h UTC, Monday to Friday."""
    wall = pl.from_epoch(pl.Series(timeline.instants(opened)), "us")
    hour = (wall.dt.hour() + wall.dt.minute() / 60).to_numpy()
    weekday = wall.dt.weekday().to_numpy()
    until_morning = np.where(hour < 7, 7 - hour, np.where(hour >= 19, 31 - hour, 0.0))
    days_off = np.where(weekday == 6, 48, np.where(weekday == 7, 24, 0))
    late_friday = np.where((weekday == 5) & (hour >= 19), 48, 0)
    weekend = np.where(weekday >= 6, days_off - hour + 7, 0.0)
    wait: Floats = np.where(weekday >= 6, weekend, until_morning + late_friday)
    return wait
