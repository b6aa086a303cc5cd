"""Makes events of the audit log, so that figures and alerts can use it.

The log is read on from a cursor, its newest entry that is an event, which is committed with the
events: a kill at any moment loses and doubles none. An entry is its digest to the warehouse, so
that a log that was put back to an earlier moment, and went on otherwise, is read anew.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from analyticspro import clock, logs
from analyticspro.config import Home
from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.page import Page
from analyticspro.errors import AnalyticsProError
from analyticspro.events import AUDIT, OWN_SOURCE, SCHEMA, WriteMode, event_id
from analyticspro.ingest import Report
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.intake import COLLECTOR
from analyticspro.ingest.stream_sync import sync_streams

if TYPE_CHECKING:
    from analyticspro.state import AuditRow, State

__all__ = ["AuditFeed", "AuditStream", "take_in", "told"]

_STREAM = "audit"
_PAGE = 1_000
_LOOK_EVERY_S = 2.0


class AuditStream:
    """The audit log, as a connector's stream."""

    name = OWN_SOURCE

    def __init__(self, state: State) -> None:
        self._state = state

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the one stream there is: nothing of it ever changes."""
        return {_STREAM: WriteMode.APPEND}

    def newest(self) -> str | None:
        """Return the cursor of the log's newest entry; None if there is none."""
        from analyticspro.state import AuditTable

        with self._state.reading() as connection:
            head = AuditTable(connection).head()
        return json.dumps(head) if head[0] else None

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield the entries after that of the cursor; all of them if the log has no such."""
        from analyticspro.state import AuditTable

        seq, digest = json.loads(cursor) if cursor else (0, "")
        with self._state.reading() as connection:
            table = AuditTable(connection)
            after = seq if seq and table.digest(seq) == digest else 0
            entries = table.all(after=after)
            while rows := list(islice(entries, _PAGE)):
                events = pl.DataFrame([_event(row) for row in rows], schema=SCHEMA)
                batch = Batch(events, REJECTS.to_frame(), 0, len(rows), 0)
                yield Page(batch, json.dumps([rows[-1].seq, rows[-1].digest]))


def told(row: AuditRow) -> str:
    """Return what the event of an entry is called."""
    kind = row.action.partition(".")[0]
    if row.action == "sign_in":
        return AUDIT + ("signed_in" if row.allowed else "sign_in_failed")
    if not row.allowed:
        return AUDIT + "denied"
    return AUDIT + {"export": "exported", "policies": "policy_changed"}.get(kind, "recorded")


def _event(row: AuditRow) -> dict[str, Any]:
    # Neither where it came from, which is an address, nor the reason, which may be any text.
    properties = {
        "actor": row.who,
        "action": row.action,
        "object": row.subject,
        "allowed": row.allowed,
    }
    return {
        "event_id": event_id(OWN_SOURCE, _STREAM, row.digest),
        "name": told(row),
        "occurred_at": row.at,
        "properties": json.dumps(properties, ensure_ascii=False),
    }


class AuditFeed:
    """Looks for new entries every two seconds, in a thread of its own, until it is closed."""

    def __init__(self, home: Home, warehouse: EventStore, *, every_s: float = _LOOK_EVERY_S):
        self._home = home
        self._warehouse = warehouse
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit events")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, after the page at hand."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        problem = ""
        while not self._stop.wait(self._every_s):
            try:
                self._follow()
            except AnalyticsProError as error:
                if str(error) != problem:
                    logs.warning("audit events", reason=str(error))
                problem = str(error)

    def _follow(self) -> None:
        """Take in what is appended, as long as it can be; the state database is opened once."""
        home = self._home
        if not home.settings.state_url and not Path(home.state_address).exists():
            return  # nobody has written anything down yet
        from analyticspro.state import State  # brings SQLAlchemy: half a second at no start

        with State.open(home.state_address) as state:
            stream, known = AuditStream(state), None
            while True:
                newest = stream.newest()
                if newest != known:
                    take_in(stream, self._warehouse, now=clock.now)
                    known = newest
                if self._stop.wait(self._every_s):
                    return


def take_in(stream: AuditStream, warehouse: EventStore, *, now: Callable[[], datetime]) -> int:
    """Commit the entries that are no events yet; return how many these are."""
    with warehouse.writer() as writer:
        cursor = writer.stream_cursor(OWN_SOURCE, _STREAM)
    if stream.newest() in (None, cursor):
        return 0
    report = Report(OWN_SOURCE)
    at = now()
    sync_streams(stream, warehouse, report, declared={}, now=at, progress=lambda _: None)
    with warehouse.writer() as writer:
        # As what is pushed: its watermark goes on while nothing comes.
        outcome = json.dumps(report.to_json())
        writer.note_source(OWN_SOURCE, declaration=COLLECTOR, synced_at=at, outcome=outcome)
    return report.new
