"""The whole story: what each of the company's systems records, and since when it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from analyticspro.demo import told_app, told_network
from analyticspro.demo.credits import account
from analyticspro.demo.home import live
from analyticspro.demo.network import build
from analyticspro.demo.pictures import at_events
from analyticspro.demo.rhythm import Timeline
from analyticspro.demo.shop import shop
from analyticspro.demo.subscriptions import subscriptions
from analyticspro.demo.support import tickets
from analyticspro.demo.systems import Systems
from analyticspro.errors import DefinitionError

__all__ = ["FEWEST", "STREAMS", "Tale", "tell"]

# With fewer, most months of most countries would be empty.
FEWEST = 500

_SHOP, _PICTURES, _AT_HOME, _PEOPLE, _TICKETS = 0.44, 0.20, 0.05, 0.010, 0.004

STREAMS = (
    *("web", "accounts", "orders", "reversals", "subscriptions"),
    *("partners", "credits", "events", "styles", "pictures", "payments"),
    *("people", "packs", "tickets", "audit", "requests", "checks"),
)


@dataclass(frozen=True)
class Tale:
    """A story that was begun at `first`, whose past is told from 18 months before on.

    Attributes:
        first: The present when it was begun, a whole hour, UTC. What lies before never
            changes, whenever it is told again.
        end: Where it ends, twelve months later.
    """

    first: datetime
    end: datetime
    _frames: Mapping[str, pl.DataFrame]
    _systems: Systems

    def between(self, stream: str, start: datetime | None, end: datetime) -> pl.DataFrame:
        """Return the records of `stream` that came to be known in `[start, end)`, in that order.

        Args:
            stream: One of `STREAMS`; `told_*.py` and `systems.py` tell what its records have.
            start: From the beginning if None.
            end: UTC, not after the end of the story.

        Raises:
            DefinitionError: The story ends before `end`.
        """
        if end > self.end:
            raise DefinitionError(
                f"This demo's story was begun on {self.first:%Y-%m-%d} and ends on "
                f"{self.end:%Y-%m-%d}. Begin another: analyticspro --home DIR demo"
            )
        if stream in ("requests", "checks"):
            since = start or datetime(2000, 1, 1, tzinfo=UTC)
            return getattr(self._systems, stream)(since, end)  # type: ignore[no-any-return]
        known = pl.col("known_at")
        frame = self._frames[stream].filter(known < end)
        return frame if start is None else frame.filter(known >= start)


def tell(*, events: int = 200_000, seed: int = 7, first: datetime) -> Tale:
    """Return the company's story.

    Equal arguments give an equal story, however far it is told.

    Args:
        events: About how many are told up to `first`, at least 500; met to within 10 %, in
            stories of some thousands.
        seed: Another seed is another company of the same kind.
        first: Its present, aware; the hour counts.

    Raises:
        DefinitionError: Too few events, or `first` carries no zone.
    """
    if events < FEWEST:
        raise DefinitionError(f"{events} demo events are too few. Ask for {FEWEST} or more.")
    if first.tzinfo is None:
        raise DefinitionError(f"The hour of the demo data, {first}, has no time zone. Use UTC.")
    first = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    timeline = Timeline.around(first)
    # Each part has random numbers of its own: one that is changed leaves the others alone.
    parts = np.random.SeedSequence(seed).spawn(8)
    rngs = [np.random.default_rng(part) for part in parts]
    people, shopping = shop(rngs[0], timeline, round(events * _SHOP))
    network = build(rngs[1], timeline, events)
    pictures = at_events(rngs[2], timeline, network, round(events * _PICTURES))
    used = np.bincount(pictures.event[pictures.is_done], minlength=len(network.starts))
    entries = account(rngs[4], timeline, network, used)
    home = live(rngs[3], timeline, max(20, round(events * _PEOPLE)), round(events * _AT_HOME))
    paid = subscriptions(rngs[5], timeline, people)
    asked = tickets(rngs[6], timeline, max(8, round(events * _TICKETS)))
    painted = [
        told_app.pictures(timeline, network, home, pictures, "guest"),
        told_app.pictures(timeline, network, home, home.pictures, "home"),
    ]
    frames = {
        **told_app.shop(shopping),
        "subscriptions": told_app.subscriptions(timeline, paid, people),
        "partners": told_network.contracts(timeline, network),
        "credits": told_network.ledger(timeline, network, entries),
        "events": told_network.events(rngs[4], timeline, network, entries, pictures),
        "styles": told_network.styles(timeline),
        "pictures": pl.concat(painted).sort("known_at", "id"),
        "payments": told_network.payments(timeline, network),
        "people": told_app.people(timeline, home),
        "packs": told_app.packs(timeline, home),
        "tickets": told_app.tickets(timeline, asked, people),
        "audit": told_app.audit(rngs[7], timeline, events),
    }
    end = first + timedelta(hours=timeline.hours - timeline.now)
    return Tale(first, end, frames, Systems(first, seed, events))
