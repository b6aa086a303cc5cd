"""The uptime connector: checks what is declared, each at its slot of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.page import Page
from analyticspro.connectors.uptime_attempt import Outcome, attempt
from analyticspro.events import SCHEMA, WriteMode, event_id

if TYPE_CHECKING:
    from analyticspro.connectors.uptime_source import UptimeSource

__all__ = ["STREAM", "UptimeConnector"]

STREAM = "checks"
_AT_ONCE = 32


class UptimeConnector:
    """Makes the checks that are due; those of slots that nobody was there for were not made.

    A check is known by its monitor and its slot, so two schedulers make one event of it.
    """

    def __init__(self, source: UptimeSource) -> None:
        self.name = source.name
        self._source = source

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the one stream: of two checks in one slot the first stands."""
        return {STREAM: WriteMode.APPEND}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield a page with a check of each monitor whose slot at `now` is not in `cursor`."""
        done: dict[str, int] = {} if cursor is None else json.loads(cursor)["slots"]
        slots = {name: _slot(now, monitor.every) for name, monitor in self._source.monitors.items()}
        # Not "later than": a clock that was put back must not end the checks.
        due = [name for name, slot in slots.items() if done.get(name) != slot]
        if not due:
            return
        with ThreadPoolExecutor(min(len(due), _AT_ONCE)) as pool:
            outcomes = list(pool.map(lambda name: attempt(self._source.monitors[name]), due))
        made = [
            self._event(name, slots[name], outcome, now)
            for name, outcome in zip(due, outcomes, strict=True)
        ]
        nothing = pl.DataFrame(schema=REJECTS)
        batch = Batch(pl.DataFrame(made, schema=SCHEMA), nothing, 0, len(made), 0)
        yield Page(batch, json.dumps({"slots": slots}, separators=(",", ":")))

    def _event(self, name: str, slot: int, outcome: Outcome, now: datetime) -> dict[str, object]:
        """Return the event of a check; in maintenance it is neither passed nor failed."""
        monitor = self._source.monitors[name]
        window = next((w for w in self._source.maintenance if w.holds(name, now)), None)
        passed = outcome.reason is None
        result = "check_passed" if passed else "check_failed"
        properties = {
            "monitor": name,
            "critical": monitor.critical,
            "passed": passed,
            "observed_seconds": monitor.every,
            "duration_us": round(outcome.seconds * 1_000_000),
            "reason": outcome.reason,
            "detail": outcome.detail,
            "maintenance": window.name if window else None,
        }
        return {
            "event_id": event_id(self.name, STREAM, name, _written(slot)),
            "name": "check_excused" if window else result,
            "occurred_at": now,
            "properties": json.dumps(properties, ensure_ascii=False, separators=(",", ":")),
        }


def _slot(now: datetime, every: int) -> int:
    """Return when the slot began that `now` is in, in seconds since 1970."""
    return int(now.timestamp()) // every * every


def _written(slot: int) -> str:
    return f"{datetime.fromtimestamp(slot, UTC):%Y-%m-%dT%H:%M:%SZ}"
