"""Syncs sources into the warehouse: reads what changed, commits batch by batch.

A part (file) is replaced as a whole. Each batch is one transaction of events and rejects;
the transaction that ends the part retracts what vanished and writes the cursor. So a kill
at any moment loses and doubles nothing: the next sync finds the part without its cursor,
reads it from its start, and adds only what is not there yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from analyticspro import clock, connectors
from analyticspro.connectors import FilesSource, Part, Source
from analyticspro.errors import AnalyticsProError
from analyticspro.ingest.selection import settled, to_read
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Stored, Warehouse, Writer

__all__ = ["Progress", "Report", "load_events", "sync"]

_EVENTS_PER_BATCH = 50_000
_NO_REJECTS = pl.DataFrame(schema={"line": pl.Int64})


@dataclass(frozen=True)
class Progress:
    """How far a sync is, in bytes of the parts that have to be read."""

    source: str
    part: str
    done: int
    total: int


@dataclass
class Report:
    """What a sync did.

    Attributes:
        parts: Files found; `read` of them were read, the others had not changed.
        records: Records in the files that were read.
        new: Events added. `changed`: events that got a new version. `unchanged`: events
            that were there already. `retracted`: events whose row vanished.
        rejected: Records set aside, of the files that were read.
        rounded: Amounts finer than the minor unit of their currency, rounded half to even.
        error: Why the sync ended early; None if it did not.
        notes: What a person should know, in sentences.
    """

    source: str
    parts: int = 0
    read: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    retracted: int = 0
    rejected: int = 0
    rounded: int = 0
    seconds: float = 0
    error: dict[str, str] | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, stored: Stored, *, records: int) -> None:
        """Count a batch of `records` in."""
        self.records += records
        self.new += stored.new
        self.changed += stored.changed
        self.unchanged += stored.unchanged

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return asdict(self)


def sync(source: Source, warehouse: Warehouse, *, progress: Callable[[Progress], None]) -> Report:
    """Bring the warehouse up to date with `source`; return what was done.

    An error of the source ends its sync and stands in the report; what was committed
    before stays.

    Args:
        source: What to read.
        warehouse: Where to.
        progress: Called after each batch; may raise to stop the sync.
    """
    started = time.monotonic()
    report = Report(source.name)
    synced_at = clock.now()
    assert isinstance(source, FilesSource)
    try:
        _sync_parts(source, warehouse, report, progress, synced_at)
    except AnalyticsProError as error:
        report.error = error.payload()
    report.seconds = round(time.monotonic() - started, 3)
    report.notes += _notes(report)
    with warehouse.writer() as writer:
        _note(writer, source.model_dump_json(), synced_at, report)
    return report


def _sync_parts(
    source: FilesSource,
    warehouse: Warehouse,
    report: Report,
    progress: Callable[[Progress], None],
    now: datetime,
) -> None:
    found = connectors.parts(source)
    report.parts = len(found)
    with warehouse.writer() as writer:
        gone = writer.cursors(source.name).keys() - {part.name for part in found}
        found, note = settled(source, found, writer, now)
        changed = to_read(source, found, writer)
    if note:
        report.notes.append(note)
    if gone:
        report.notes.append(
            f"{len(gone)} file(s) are no longer there ({', '.join(sorted(gone)[:3])}); "
            "their events stay."
        )
    total = sum(part.size for part, _ in changed)
    watermark = _watermark(source.name, warehouse)
    done = 0
    for part, fingerprint in changed:
        before = done

        def advance(position: int, name: str = part.name, before: int = before) -> None:
            progress(Progress(source.name, name, before + position, total))

        with warehouse.writer() as writer:
            _read(source, part, fingerprint, writer, watermark, report, advance)
        done += part.size
        report.read += 1


def _read(
    source: FilesSource,
    part: Part,
    fingerprint: str,
    writer: Writer,
    watermark: datetime | None,
    report: Report,
    advance: Callable[[int], None],
) -> None:
    rejects = []
    records = rounded = 0
    writer.begin_part()
    for batch in connectors.read_part(source, part):
        received_at = clock.now()
        with writer.commit(received_at):
            stored = writer.store(
                source.name,
                part.name,
                batch.events,
                received_at=received_at,
                watermark=watermark,
            )
            writer.set_aside(source.name, part.name, batch.rejects)
        rejects.append(batch.rejects.select("line"))
        records += batch.records
        rounded += batch.rounded
        report.add(stored, records=batch.records)
        report.rejected += batch.rejects.height
        report.rounded += batch.rounded
        advance(batch.position)
    aside = pl.concat([_NO_REJECTS, *rejects])
    cursor = Cursor(fingerprint, part.size, part.changed_ns, records, rounded)
    with writer.commit(clock.now()):
        report.retracted += writer.finish_part(source.name, part.name, aside, cursor)


def _watermark(source: str, warehouse: Warehouse) -> datetime | None:
    with warehouse.reader(OWNER) as reader:
        known = reader.sources().filter(pl.col("name") == source)["watermark"]
    return known[0] if len(known) else None


def _notes(report: Report) -> list[str]:
    notes = []
    if report.rounded:
        notes.append(
            f"{report.rounded} amount(s) were finer than the currency's minor unit and were "
            "rounded half to even; the given value is kept as amount_unrounded."
        )
    if report.rejected:
        notes.append(
            f"{report.rejected} record(s) were set aside; "
            f"'analyticspro sources rejects {report.source}' shows which and why."
        )
    return notes


def load_events(
    source: str,
    events: pl.DataFrame,
    warehouse: Warehouse,
    *,
    progress: Callable[[Progress], None],
) -> Report:
    """Make `events` all that there is of `source`: what this program makes up itself.

    Args:
        source: The source's name.
        events: Rows of `events.SCHEMA`.
        warehouse: Where to.
        progress: Called after each batch, in events rather than bytes.
    """
    started = time.monotonic()
    at = clock.now()
    report = Report(source, parts=1, read=1)
    with warehouse.writer() as writer:
        writer.begin_part()
        for batch in events.iter_slices(_EVENTS_PER_BATCH):
            with writer.commit(at):
                stored = writer.store(source, "", batch, received_at=at, watermark=None)
            report.add(stored, records=batch.height)
            progress(Progress(source, "", report.records, events.height))
        cursor = Cursor("", 0, 0, report.records)
        with writer.commit(clock.now()):
            report.retracted = writer.finish_part(source, "", _NO_REJECTS, cursor)
        report.seconds = round(time.monotonic() - started, 3)
        _note(writer, "{}", at, report)
    return report


def _note(writer: Writer, declaration: str, synced_at: datetime, report: Report) -> None:
    writer.note_source(
        report.source,
        declaration=declaration,
        synced_at=synced_at,
        outcome=json.dumps(report.to_json()),
    )
