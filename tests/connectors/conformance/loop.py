"""A sync as small as can be: what is committed is committed with its cursor, in one step.

It stands in for `ingest.stream_sync`, which has the same loop around a warehouse, so that a
kill can be put anywhere.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from analyticspro.connectors import Connector, Page
from analyticspro.events import WriteMode
from tests.connectors.conformance.harness import STREAM


@dataclass
class Store:
    """Events by id, rejects, and the cursor."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None
    pages: int = 0
    seen: int = 0

    def commit(self, page: Page, mode: WriteMode) -> None:
        """Take in a page, as the write mode of its stream says."""
        assert mode is WriteMode.MERGE
        assert page.batch.records == page.batch.events.height + page.batch.rejects.height
        for event in page.batch.events.to_dicts():
            known = self.events.get(event["event_id"])
            if known is None or event["version"] > known["version"]:
                self.events[event["event_id"]] = event
        known_rejects = {reject["raw"] for reject in self.rejects}
        self.rejects += [r for r in page.batch.rejects.to_dicts() if r["raw"] not in known_rejects]
        self.seen += page.batch.records
        self.pages += 1
        self.cursor = page.cursor

    def totals(self) -> dict[str, int]:
        """Return the amount of each order, by the id that the source gave it."""
        return {name.rpartition(":")[2]: e["amount_minor"] for name, e in self.events.items()}


class Killed(Exception):
    """The program was killed."""


def sync(
    connector: Connector,
    store: Store,
    *,
    now: datetime,
    kill_before: int | None = None,
    kill_after: int | None = None,
) -> None:
    """Read what is new into `store`.

    Args:
        connector: A new one.
        store: Where to.
        now: When.
        kill_before: Die with the page of this number (from 1) read and not committed.
        kill_after: Die with it committed.
    """
    mode = connector.streams()[STREAM]
    with closing(connector.read(STREAM, store.cursor, now=now)) as pages:  # type: ignore[type-var]
        for number, page in enumerate(pages, 1):
            if number == kill_before:
                raise Killed
            store.commit(page, mode)
            if number == kill_after:
                raise Killed
