"""Reads what a source had in a range of the past once more: what is lacking comes in.

It has a cursor of its own, kept with each page, and leaves the one of syncs where it is. What
is there already is told by its ids, so it can be done again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from analyticspro import clock
from analyticspro.connectors import FilesSource, Page, PagedSource, Ranged, Source
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets
from analyticspro.ingest.admission import Admission, columns_of
from analyticspro.ingest.logged import logged
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.sync import sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Backfill, Warehouse, move_backfill

__all__ = ["backfill"]

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # before it no calendar is sure of its days
_WHOLE = "Files are always read whole: every file of the source was read, whatever the range."


def backfill(
    source: Source,
    warehouse: Warehouse,
    *,
    since: datetime,
    until: datetime,
    secrets: Secrets,
    progress: Callable[[Progress], None],
) -> Report:
    """Read what `source` had, or changed, in a range; return what became of it.

    Killed at any moment, the same call goes on where it was. Notes of the report say what was
    read besides the range, where the source cannot be asked for just that.

    Args:
        source: What to read.
        warehouse: Where to.
        since: UTC, inclusive; `until`, exclusive.
        until: Not after now.
        secrets: Where those of the source are looked up.
        progress: Called after each commit, in records.

    Raises:
        DefinitionError: No range of it can be read, or this is none.
    """
    since = max(since, _EARLIEST)
    if not since < until <= clock.now():
        raise DefinitionError(
            f"A backfill from {since.isoformat()} to {until.isoformat()} must end after it "
            "begins, and not in the future."
        )
    if isinstance(source, FilesSource):
        with warehouse.writer() as writer:
            writer.forget(source.name)
        report = sync(source, warehouse, secrets=secrets, progress=progress)
        report.notes.append(_WHOLE)
        return report
    assert isinstance(source, PagedSource)
    connector = source.connect(secrets)
    if not isinstance(connector, Ranged):
        raise DefinitionError(
            f"Source {source.name} cannot be asked for the past: its connector, "
            f"{source.connector!r}, only reads on. Files, SQL databases and REST APIs can."
        )
    report = Report(source.name)
    started = time.monotonic()
    work = _Backfilling(source, connector, warehouse, since, until, report, progress)
    with warehouse.turn(source.name), logged(warehouse, report, "backfill", clock.now()):
        try:
            work.run()
        except AnalyticsProError as error:
            report.error = error.payload()
        report.conclude(time.monotonic() - started)
    return report


@dataclass(frozen=True)
class _Backfilling:
    """One backfill of one source."""

    source: PagedSource
    connector: Ranged
    warehouse: Warehouse
    since: datetime
    until: datetime
    report: Report
    progress: Callable[[Progress], None]

    def run(self) -> None:
        """Read each stream, or what an earlier one that was broken off has left of it."""
        modes = self.connector.streams()
        self.report.parts = len(modes)
        before = {stream: self._before(stream) for stream in modes}
        goes_on = any(found is not None and not found.is_done for found in before.values())
        if goes_on:
            count = sum(found.records for found in before.values() if found)
            self.report.notes.append(
                f"Went on where an earlier backfill of this range was broken off: {count:,} "
                "records had been read."
            )
        for stream, mode in modes.items():
            found = before[stream] if goes_on else None
            if found is None or not found.is_done:
                self._stream(stream, mode, found or Backfill(self.since, self.until))
            self.report.read += 1
            note = self.connector.beyond(stream)
            if note is not None:
                self.report.notes.append(note)

    def _before(self, stream: str) -> Backfill | None:
        found = self.warehouse.syncs.backfill(self.source.name, stream)
        is_same = found and (found.since, found.until) == (self.since, self.until)
        return found if is_same else None

    def _stream(self, stream: str, mode: WriteMode, at: Backfill) -> None:
        pages = self.connector.read_range(
            stream, at.cursor, since=self.since, until=self.until, now=clock.now()
        )
        with self.warehouse.reader(OWNER) as reader:
            watermark = reader.stream_watermarks(self.source.name).get(stream)
        for page in pages:
            at = replace(at, cursor=page.cursor, records=at.records + page.batch.records)
            self._commit(stream, mode, page, at, watermark)
            self.progress(Progress(self.source.name, stream, at.records, 0))
        with self.warehouse.writer() as writer:
            move_backfill(writer.connection, self.source.name, stream, replace(at, is_done=True))

    def _commit(
        self, stream: str, mode: WriteMode, page: Page, at: Backfill, watermark: datetime | None
    ) -> None:
        name = self.source.name
        columns = columns_of(getattr(self.source, "streams", {}).get(stream))
        batch, admitted = Admission(self.warehouse, columns).batch(page.batch)
        prepared = self.warehouse.prepare(name, batch.events, mode)
        received_at = clock.now()
        with self.warehouse.writer() as writer, writer.commit(received_at):
            stored = writer.store(
                name, stream, prepared, received_at=received_at, watermark=watermark
            )
            writer.set_aside(name, stream, batch.rejects)
            admitted.note(writer, name, stored)
            move_backfill(writer.connection, name, stream, at)
        self.report.add(
            stored, records=batch.records, rejected=batch.rejects.height, rounded=batch.rounded
        )
