"""Brings streams into the warehouse, page by page.

A page's events, its rejects and the cursor behind it are one transaction, so a kill at any
moment goes on where the last page ended; what is read twice is told by its event ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np
import numpy.typing as npt

from analyticspro import clock
from analyticspro.connectors import Connector, Page
from analyticspro.connectors.declaration import Mapped
from analyticspro.events import WriteMode
from analyticspro.ingest.admission import Admission, columns_of
from analyticspro.ingest.blocking import Columns
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.report import Progress, Report
from analyticspro.policy import OWNER

__all__ = ["sync_streams"]

Signed = npt.NDArray[np.int64]


def sync_streams(
    connector: Connector,
    warehouse: EventStore,
    report: Report,
    *,
    declared: Mapping[str, Mapped],
    now: datetime,
    progress: Callable[[Progress], None],
) -> None:
    """Read every stream on from its cursor; count into `report` what was done.

    Args:
        connector: What reads the streams.
        warehouse: Where to.
        report: What is counted into.
        declared: How the records of a stream become events, where that is declared.
        now: Start of the sync, UTC.
        progress: Called after each page, in records.
    """
    streams = connector.streams()
    report.parts = len(streams)
    with warehouse.reader(OWNER) as reader:
        watermarks = reader.stream_watermarks(connector.name)
    for stream, mode in streams.items():
        with warehouse.writer() as writer:
            cursor = writer.stream_cursor(connector.name, stream)
        records = 0
        seen = [np.empty(0, np.int64)]
        for page in connector.read(stream, cursor, now=now):
            place = connector.name, stream
            columns = columns_of(declared.get(stream))
            _commit(place, page, mode, warehouse, columns, watermarks.get(stream), seen, report)
            records += page.batch.records
            progress(Progress(connector.name, stream, records, 0))
        with warehouse.writer() as writer, writer.commit(clock.now()):
            writer.complete(connector.name, stream, now)
        report.read += 1


def _commit(
    place: tuple[str, str],
    page: Page,
    mode: WriteMode,
    warehouse: EventStore,
    columns: Columns,
    watermark: datetime | None,
    seen: list[Signed],
    report: Report,
) -> None:
    batch, admitted = Admission(warehouse, columns).batch(page.batch)
    prepared = warehouse.prepare(place[0], batch.events, mode)
    received_at = clock.now()
    with warehouse.writer() as writer, writer.commit(received_at):
        stored = writer.store(*place, prepared, received_at=received_at, watermark=watermark)
        writer.set_aside(*place, batch.rejects)
        admitted.note(writer, place[0], stored)
        writer.advance(*place, page.cursor)
        if mode is WriteMode.REPLACE:
            seen.append(stored.seqs)
        if page.complete:
            report.retracted += writer.retract_unseen(*place, np.concatenate(seen))
    report.add(stored, records=batch.records, rejected=batch.rejects.height, rounded=batch.rounded)
