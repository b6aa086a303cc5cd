"""Gives records that were set aside another chance, after their mapping was corrected."""

from __future__ import annotations

import time
from collections.abc import Callable

from analyticspro import clock
from analyticspro.connectors import FilesSource, PagedSource, Source
from analyticspro.errors import AnalyticsProError
from analyticspro.extract.secret import Secrets
from analyticspro.ingest.admission import Admission, columns_of
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.logged import logged
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.sync import sync
from analyticspro.policy import OWNER

__all__ = ["replay"]

_RECORDS_PER_COMMIT = 50_000


def replay(
    source: Source,
    warehouse: EventStore,
    *,
    secrets: Secrets,
    progress: Callable[[Progress], None],
) -> Report:
    """Map the rejects of `source` anew; return what became of them.

    What is good now is stored and its reject resolved, in one transaction; what is still
    wrong is set aside again, with its reason of now. Files are read again instead: they still
    hold the records.

    Args:
        source: As it is declared now.
        warehouse: What holds the rejects.
        secrets: Where those of the source are looked up.
        progress: Called after each commit, in records.
    """
    if isinstance(source, FilesSource):
        with warehouse.writer() as writer:
            writer.forget(source.name)
        return sync(source, warehouse, secrets=secrets, progress=progress)
    assert isinstance(source, PagedSource)
    started = time.monotonic()
    report = Report(source.name)
    with warehouse.turn(source.name), logged(warehouse, report, "replay", clock.now()):
        try:
            _replay_streams(source, warehouse, secrets, report, progress)
        except AnalyticsProError as error:
            report.error = error.payload()
        report.conclude(time.monotonic() - started)
    return report


def _replay_streams(
    source: PagedSource,
    warehouse: EventStore,
    secrets: Secrets,
    report: Report,
    progress: Callable[[Progress], None],
) -> None:
    modes = source.connect(secrets).streams()
    with warehouse.reader(OWNER) as reader:
        parts = reader.rejected_parts(source.name)
        watermarks = reader.stream_watermarks(source.name)
        before = reader.revision() + 1
    report.parts = len(parts)
    for part in parts:
        taken = -1
        while taken:
            received_at = clock.now()
            with warehouse.writer() as writer, writer.commit(received_at):
                rejects = writer.take_back(
                    source.name, part, before=before, most=_RECORDS_PER_COMMIT
                )
                taken = rejects.height
                columns = columns_of(getattr(source, "streams", {}).get(part))
                batch, admitted = Admission(warehouse, columns).batch(source.remap(part, rejects))
                stored = writer.store(
                    source.name,
                    part,
                    batch.events,
                    mode=modes[part],
                    received_at=received_at,
                    watermark=watermarks.get(part),
                )
                writer.set_aside(source.name, part, batch.rejects)
                admitted.note(writer, source.name, stored)
            report.add(stored, records=taken, rejected=batch.rejects.height, rounded=batch.rounded)
            progress(Progress(source.name, part, report.records, 0))
        report.read += 1
