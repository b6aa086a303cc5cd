"""Brings streams into the warehouse, page by page.

A page's events, its rejects and the cursor behind it are one transaction, so a kill at any
moment goes on where the last page ended; what is read twice is told by its event ids.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from analyticspro import clock
from analyticspro.connectors import Connector, Page
from analyticspro.events import WriteMode
from analyticspro.ingest.report import Progress, Report
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse

__all__ = ["sync_streams"]


def sync_streams(
    connector: Connector,
    warehouse: Warehouse,
    report: Report,
    *,
    now: datetime,
    progress: Callable[[Progress], None],
) -> None:
    """Read every stream on from its cursor; count into `report` what was done."""
    streams = connector.streams()
    report.parts = len(streams)
    with warehouse.reader(OWNER) as reader:
        watermarks = reader.stream_watermarks(connector.name)
    for stream, mode in streams.items():
        with warehouse.writer() as writer:
            cursor = writer.stream_cursor(connector.name, stream)
        records = 0
        for page in connector.read(stream, cursor, now=now):
            place = connector.name, stream
            _commit(place, page, mode, warehouse, watermarks.get(stream), report)
            records += page.batch.records
            progress(Progress(connector.name, stream, records, 0))
        with warehouse.writer() as writer, writer.commit(clock.now()):
            writer.complete(connector.name, stream, now)
        report.read += 1


def _commit(
    place: tuple[str, str],
    page: Page,
    mode: WriteMode,
    warehouse: Warehouse,
    watermark: datetime | None,
    report: Report,
) -> None:
    batch = page.batch
    prepared = warehouse.prepare(place[0], batch.events, mode)
    received_at = clock.now()
    with warehouse.writer() as writer, writer.commit(received_at):
        stored = writer.store(*place, prepared, received_at=received_at, watermark=watermark)
        writer.set_aside(*place, batch.rejects)
        writer.advance(*place, page.cursor)
    report.add(stored, records=batch.records, rejected=batch.rejects.height, rounded=batch.rounded)
