"""When things happen: hours of the day, days of the week, seasons, growth and incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analyticspro.demo.company import COUNTRIES
from analyticspro.grain import Grain, add

__all__ = [
    "HOUR",
    "HOURS_PER_MONTH",
    "MONTHS_AHEAD",
    "Floats",
    "Incidents",
    "Ints",
    "Timeline",
    "incidents",
    "micros",
    "sample",
    "within",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR = 3_600_000_000  # microseconds
MONTHS = 18
# Customers won before the first event: without them the first months would look like a launch.
MONTHS_BEFORE = 12
# How long a story goes on after it was begun.
MONTHS_AHEAD = 12
HOURS_PER_MONTH = 730.5

# Monday to Sunday; offices buy on working days.
_WEEKDAYS = np.array([1.12, 1.16, 1.12, 1.06, 0.96, 0.66, 0.74])
# Midnight to 23:00, in the customer's own time.
_HOURS = np.array(
    [
        *(0.25, 0.16, 0.11, 0.09, 0.09, 0.13, 0.26, 0.52, 0.95, 1.42, 1.66, 1.62),
        *(1.38, 1.46, 1.58, 1.55, 1.44, 1.28, 1.14, 1.16, 1.26, 1.22, 0.92, 0.52),
    ]
)
# January to December: a slow summer, a busy end of the year.
_SEASON = np.array([1.02, 0.98, 1.0, 0.99, 0.97, 0.94, 0.87, 0.88, 1.03, 1.06, 1.12, 1.14])


@dataclass(frozen=True)
class Incidents:
    """The stretches `[start, end)`, UTC, in which something was out of the ordinary."""

    payment_outage: tuple[datetime, datetime]
    tracking_outage: tuple[datetime, datetime]
    faulty_batch: tuple[datetime, datetime]
    viral_weekend: tuple[datetime, datetime]
    generation_outage: tuple[datetime, datetime]
    faulty_release: tuple[datetime, datetime]
    break_in: tuple[datetime, datetime]


def incidents(first: datetime) -> Incidents:
    """Return when the incidents were, for a story whose present was `first` when it was begun."""
    day = datetime(first.year, first.month, first.day, tzinfo=UTC)
    monday = day - timedelta(days=day.weekday())

    def stretch(start: datetime, **length: int) -> tuple[datetime, datetime]:
        return start, start + timedelta(**length)

    return Incidents(
        payment_outage=stretch(monday - timedelta(days=34, hours=-13), hours=9),
        tracking_outage=stretch(monday - timedelta(days=61, hours=-8), hours=6),
        faulty_batch=stretch(monday - timedelta(weeks=10), days=7),
        viral_weekend=stretch(monday - timedelta(weeks=16, days=-5), days=2),
        generation_outage=stretch(monday - timedelta(days=16, hours=-18), minutes=95),
        faulty_release=stretch(day - timedelta(days=2, hours=-10), minutes=40),
        break_in=stretch(day - timedelta(days=4, hours=-2), minutes=50),
    )


def sample(rng: np.random.Generator, weights: Floats, count: int) -> Ints:
    """Return `count` positions of `weights`, each as likely as its weight, with repeats."""
    edges = np.cumsum(weights)
    found = np.searchsorted(edges, rng.random(count) * edges[-1], side="right")
    positions: Ints = np.minimum(found, len(weights) - 1).astype(np.int64)
    return positions


@dataclass(frozen=True)
class Timeline:
    """The hours that are looked at, around the hour the story was begun, and how busy each is.

    Attributes:
        start: First microsecond since 1970, twelve months before the first event.
        opening: Position, in hours, from which events are told.
        now: Position of the present when the story was begun: what the size asked for counts.
            Behind it lies what is still to come.
        hours: How many hours there are.
        rhythm: How busy each hour is, per country (rows) and hour (columns), before growth.
        growth: What growth has made of each market's share, in the same shape.
        viral: How many times the strangers each hour had because people talked about it.
        sale: How readily visits ended in an order because of Black Friday.
        incidents: What went wrong, and when.
    """

    start: int
    opening: int
    now: int
    hours: int
    rhythm: Floats
    growth: Floats
    viral: Floats
    sale: Floats
    incidents: Incidents

    @classmethod
    def around(cls, first: datetime) -> Timeline:
        """Return the timeline of the story that was begun at `first`, UTC."""
        present = first.replace(day=1, tzinfo=None)
        opening = round(MONTHS_BEFORE * HOURS_PER_MONTH)
        now = opening + (present - add(present, Grain.MONTH, -MONTHS)) // timedelta(hours=1)
        hours = now + (add(present, Grain.MONTH, MONTHS_AHEAD) - present) // timedelta(hours=1)
        start = micros(first) - HOUR * now
        stamps = start + HOUR * np.arange(hours) + HOUR // 2
        months = (np.arange(hours) - opening) / HOURS_PER_MONTH
        rates = np.array([country.monthly_growth for country in COUNTRIES])
        shares = np.array([country.share for country in COUNTRIES])
        known = incidents(first)
        weekend = within(stamps, known.viral_weekend)
        sale = _black_friday(stamps)
        rhythm = np.stack([_local(stamps, country.timezone) for country in COUNTRIES])
        return cls(
            start=start,
            opening=opening,
            now=now,
            hours=hours,
            rhythm=rhythm * (1 + 0.7 * sale),
            growth=shares[:, None] * (1 + rates[:, None]) ** months,
            viral=(1 + 8.0 * weekend).astype(np.float64),
            sale=1 + 0.6 * sale,
            incidents=known,
        )

    @property
    def end(self) -> int:
        """Where the story ends, in microseconds since 1970."""
        return self.start + HOUR * self.hours

    def instants(self, position: Floats) -> Ints:
        """Return positions in hours as microseconds since 1970."""
        return self.start + (position * HOUR).astype(np.int64)

    def hour_of(self, position: Floats) -> Ints:
        """Return the hour that each position lies in."""
        return np.clip(position.astype(np.int64), 0, self.hours - 1)


def within(instants: Ints, stretch: tuple[datetime, datetime]) -> NDArray[np.bool_]:
    """Return which instants (microseconds since 1970) lie in `[start, end)`."""
    return (instants >= micros(stretch[0])) & (instants < micros(stretch[1]))


def micros(at: datetime) -> int:
    """Return an aware instant as microseconds since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _local(stamps: Ints, timezone: str) -> Floats:
    wall = pl.from_epoch(pl.Series(stamps), "us").dt.replace_time_zone("UTC")
    wall = wall.dt.convert_time_zone(timezone)
    weekday = _WEEKDAYS[wall.dt.weekday().to_numpy() - 1]
    season = _SEASON[wall.dt.month().to_numpy() - 1]
    rhythm: Floats = weekday * season * _HOURS[wall.dt.hour().to_numpy()]
    return rhythm


def _black_friday(stamps: Ints) -> Floats:
    """Return 1 for hours of the four days from the Friday after the fourth Thursday, else 0."""
    first, last = (pl.from_epoch(pl.Series(stamps[[0, -1]]), "us")).dt.year().to_list()
    inside = np.zeros(len(stamps))
    for year in range(first, last + 1):
        november = date(year, 11, 1)
        friday = 1 + (3 - november.weekday()) % 7 + 21 + 1
        start = datetime(year, 11, 1, tzinfo=UTC) + timedelta(days=friday - 1)
        inside += within(stamps, (start, start + timedelta(days=4)))
    return inside
