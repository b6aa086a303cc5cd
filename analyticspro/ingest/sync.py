"""Syncs sources into the warehouse: reads what changed, commits piece by piece."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime

import numpy as np
import polars as pl

from analyticspro import clock
from analyticspro.connectors import FilesSource, PagedSource, Source
from analyticspro.errors import AnalyticsProError
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets
from analyticspro.ingest.event_store import EventStore, EventWriter
from analyticspro.ingest.file_sync import sync_files
from analyticspro.ingest.logged import logged
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.stream_sync import sync_streams
from analyticspro.warehouse import Cursor

__all__ = ["load_events", "sync"]

_EVENTS_PER_BATCH = 50_000
_NO_REJECTS = pl.DataFrame(schema={"line": pl.Int64})


def sync(
    source: Source,
    warehouse: EventStore,
    *,
    secrets: Secrets,
    progress: Callable[[Progress], None],
) -> Report:
    """Bring the warehouse up to date with `source`; return what was done.

    An error of the source ends its sync and stands in the report; what was committed
    before stays. A second sync of the same source waits until the first is done.

    Args:
        source: What to read.
        warehouse: Where to.
        secrets: Where those of the source are looked up.
        progress: Called after each batch; may raise to stop the sync.
    """
    report = Report(source.name)
    with warehouse.turn(source.name):
        started = time.monotonic()
        synced_at = clock.now()
        with logged(warehouse, report, "sync", synced_at):
            try:
                _read(source, warehouse, report, secrets, synced_at, progress)
            except AnalyticsProError as error:
                report.error = error.payload()
            report.conclude(time.monotonic() - started)
            try:
                with warehouse.writer() as writer:
                    _note(writer, json.dumps(source.to_json()), synced_at, report)
            except AnalyticsProError as error:  # such as a full disk, which ended the sync too
                report.error = report.error or error.payload()
    return report


def _read(
    source: Source,
    warehouse: EventStore,
    report: Report,
    secrets: Secrets,
    now: datetime,
    progress: Callable[[Progress], None],
) -> None:
    match source:
        case FilesSource():
            sync_files(source, warehouse, report, secrets=secrets, now=now, progress=progress)
        case PagedSource():
            sync_streams(
                source.connect(secrets),
                warehouse,
                report,
                declared=getattr(source, "streams", {}),
                now=now,
                progress=progress,
            )


def load_events(
    source: str,
    events: pl.DataFrame,
    warehouse: EventStore,
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
    seen = [np.empty(0, np.int64)]
    with warehouse.turn(source), warehouse.writer() as writer:
        for batch in events.iter_slices(_EVENTS_PER_BATCH):
            with writer.commit(at):
                stored = writer.store(
                    source, "", batch, mode=WriteMode.REPLACE, received_at=at, watermark=None
                )
            seen.append(stored.seqs)
            report.add(stored, records=batch.height)
            progress(Progress(source, "", report.records, events.height))
        cursor = Cursor("", 0, 0, report.records)
        with writer.commit(clock.now()):
            report.retracted = writer.finish_part(
                source, "", seen=np.concatenate(seen), rejects=_NO_REJECTS, cursor=cursor
            )
        report.seconds = round(time.monotonic() - started, 3)
        _note(writer, "{}", at, report)
    return report


def _note(writer: EventWriter, declaration: str, synced_at: datetime, report: Report) -> None:
    writer.note_source(
        report.source,
        declaration=declaration,
        synced_at=synced_at,
        outcome=json.dumps(report.to_json()),
    )
