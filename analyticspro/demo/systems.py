"""The machines: requests that were answered, checks that were made.

What they write is too much to be thought out for a year ahead, so each hour is told by
itself, from its own random numbers: whoever asks again for an hour is told the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from analyticspro.demo.rhythm import HOUR, Ints, incidents, micros, sample, within

__all__ = ["LOGGED_FOR", "MONITORED_FOR", "MONITORS", "Systems"]

MONITORED_FOR = timedelta(days=90)  # before the story was begun
LOGGED_FOR = timedelta(days=7)
MONITORS = ("website", "payments", "generation")
_DOWN = {"payments": "payment_outage", "generation": "generation_outage"}
_REQUESTS = 0.18  # of all events, in the logged days
_FINE = timedelta(days=2)  # before the story was begun, checks were kept one by one
_AS_BEFORE = 200_000  # events at which checks are kept every 5 minutes, and every hour
# Path, method, share, median seconds, bytes.
_PATHS = (
    ("/", "GET", 0.22, 0.16, 18_200),
    ("/products", "GET", 0.15, 0.21, 26_400),
    ("/checkout", "POST", 0.04, 0.48, 3_100),
    ("/app", "GET", 0.12, 0.14, 9_800),
    ("/api/pictures", "POST", 0.20, 2.10, 1_200),
    ("/api/pictures/status", "GET", 0.14, 0.09, 420),
    ("/api/events", "GET", 0.07, 0.24, 6_900),
    ("/api/credits", "GET", 0.05, 0.18, 800),
    ("/robots.txt", "GET", 0.01, 0.02, 120),
)
_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "booth/3.2", "curl/8.9")
_BUSY = np.array(
    [
        *(0.45, 0.35, 0.28, 0.24, 0.24, 0.30, 0.45, 0.65, 0.90, 1.10, 1.20, 1.22),
        *(1.20, 1.25, 1.35, 1.45, 1.45, 1.45, 1.50, 1.60, 1.70, 1.55, 1.10, 0.70),
    ]
)
# Behind the present, a release goes wrong now and then, so that there is something to see.
_GLITCH_EVERY = 31  # hours
_GLITCH_FOR = timedelta(minutes=9)


@dataclass(frozen=True)
class Systems:
    """What the machines of one story write."""

    first: datetime
    seed: int
    events: int

    def requests(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the requests answered in `[start, end)`, in order of time.

        Returns:
            Columns: at (Datetime us UTC, whole seconds), method, path, status (Int64), bytes
            (Int64), seconds (Float64), agent, client.
        """
        start = max(start, self.first - LOGGED_FOR)
        hour = start.replace(minute=0, second=0, microsecond=0)
        frames = [self._requests_of(hour)]
        while (hour := hour + timedelta(hours=1)) < end:
            frames.append(self._requests_of(hour))
        return pl.concat(frames).filter(pl.col("at").is_between(start, end, closed="left"))

    def _requests_of(self, hour: datetime) -> pl.DataFrame:
        rng = np.random.default_rng([self.seed, 1, micros(hour) // HOUR])
        rate = self.events * _REQUESTS / (LOGGED_FOR / timedelta(hours=1))
        weeks = (hour - self.first) / timedelta(days=7)
        growth = min(1.012 ** max(weeks, 0), 2.0)
        count = rng.poisson(rate * _BUSY[hour.hour] / _BUSY.mean() * growth)
        second = np.sort(rng.integers(0, 3600, count))
        at = micros(hour) + second * 1_000_000
        path = sample(rng, np.array([share for _, _, share, _, _ in _PATHS]), count)
        bad = self._is_bad(at)
        drawn = rng.random(count)
        failed = drawn < np.where(bad, 0.11, 0.003)
        refused = (drawn > 0.984) & ~failed
        status = np.where(failed, rng.choice([500, 502, 503], count), 200)
        status = np.where(refused, rng.choice([404, 403, 401, 429], count), status)
        median = np.array([seconds for _, _, _, seconds, _ in _PATHS])[path]
        seconds = np.round(median * rng.lognormal(0, 0.5, count) * np.where(bad, 4.5, 1.0), 3)
        size = np.array([item for _, _, _, _, item in _PATHS])[path] * rng.uniform(0.7, 1.4, count)
        return pl.DataFrame(
            {
                "at": pl.from_epoch(pl.Series(at, dtype=pl.Int64), "us").dt.replace_time_zone(
                    "UTC"
                ),
                "method": pl.Series([m for _, m, _, _, _ in _PATHS]).gather(path),
                "path": pl.Series([p for p, _, _, _, _ in _PATHS]).gather(path),
                "status": pl.Series(status, dtype=pl.Int64),
                "bytes": pl.Series(size.astype(np.int64)),
                "seconds": pl.Series(seconds, dtype=pl.Float64),
                "agent": pl.Series(_AGENTS).gather(
                    sample(rng, np.array([0.5, 0.28, 0.2, 0.02]), count)
                ),
                "client": "203.0.113." + pl.Series(rng.integers(1, 255, count)).cast(pl.String),
            }
        )

    def _is_bad(self, at: Ints) -> np.typing.NDArray[np.bool_]:
        known = incidents(self.first)
        bad = within(at, known.faulty_release) | within(at, known.generation_outage)
        since = at - micros(self.first)
        length = _GLITCH_FOR // timedelta(microseconds=1)
        is_glitch = (since >= 0) & (since % (_GLITCH_EVERY * HOUR) - HOUR // 3 < length)
        is_glitch &= since % (_GLITCH_EVERY * HOUR) >= HOUR // 3
        return bad | is_glitch

    def checks(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the checks that were over in `[start, end)`, in order of time.

        Each says for how long it stands. What was observed is told without a gap, and an
        outage to the second, whatever the length of an interval.

        Returns:
            Columns: known_at (Datetime us UTC), at, monitor, seconds (Int64), is_passed.
        """
        rows: list[tuple[datetime, datetime, str, int, bool]] = []
        start = max(start, self.first - MONITORED_FOR)
        slot = self._slot_of(start - timedelta(microseconds=1))  # one may end just then
        while True:
            following = slot + self._interval(slot)
            if following >= end:
                break
            if following >= start:
                for monitor in MONITORS:
                    rows += self._observed(monitor, slot, following)
            slot = following
        kinds: dict[str, pl.DataType | type[pl.DataType]] = {
            "known_at": pl.Datetime("us", "UTC"),
            "at": pl.Datetime("us", "UTC"),
            "monitor": pl.String,
            "seconds": pl.Int64,
            "is_passed": pl.Boolean,
        }
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def _observed(
        self, monitor: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, datetime, str, int, bool]]:
        down, up = self._down(monitor, start, end)
        edges = sorted({start, min(max(down, start), end), min(max(up, start), end), end})
        return [
            (end, a, monitor, (b - a) // timedelta(seconds=1), not down <= a < up)
            for a, b in pairwise(edges)
        ]

    def _down(self, monitor: str, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Return from when to when it was down; equal if it was not."""
        if monitor in _DOWN:
            down, up = getattr(incidents(self.first), _DOWN[monitor])
            if down < end and start < up:
                return down, up
        slots = (end - start) / timedelta(minutes=5)
        number = MONITORS.index(monitor)
        rng = np.random.default_rng([self.seed, 2, number, micros(start) // 1_000_000])
        if rng.random() >= slots / 6000:
            return end, end
        seconds = int(rng.integers(45, 240))
        return start + timedelta(seconds=5), start + timedelta(seconds=5 + seconds)

    def _interval(self, slot: datetime) -> timedelta:
        less = max(1, _AS_BEFORE // self.events)
        if slot < self._fine_from():
            hours = next(hours for hours in (1, 2, 4, 8, 12, 24) if hours >= min(less, 24))
            return timedelta(hours=hours)
        return timedelta(minutes=next(m for m in (5, 10, 20, 30, 60) if m >= min(5 * less, 60)))

    def _fine_from(self) -> datetime:
        return (self.first - _FINE).replace(hour=0)

    def _slot_of(self, at: datetime) -> datetime:
        day = datetime(at.year, at.month, at.day, tzinfo=UTC)
        return day + (at - day) // self._interval(day) * self._interval(day)
