"""Brings files into the warehouse: each is replaced as a whole.

Each batch is one transaction of events and rejects; the transaction that ends the file
retracts what vanished and writes the cursor. So a kill at any moment loses and doubles
nothing: the next sync finds the file without its cursor, reads it from its start, and adds
only what is not there yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from analyticspro import clock, connectors
from analyticspro.connectors import Batch, FilesSource, Part
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets
from analyticspro.ingest.admission import Admission, Admitted, columns_of, rules
from analyticspro.ingest.ahead import ahead
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.selection import settled, to_read
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Prepared

__all__ = ["sync_files"]

_NO_REJECTS = pl.DataFrame(schema={"line": pl.Int64})


def sync_files(
    source: FilesSource,
    warehouse: EventStore,
    report: Report,
    *,
    secrets: Secrets,
    now: datetime,
    progress: Callable[[Progress], None],
) -> None:
    """Read the files that changed; count into `report` what was done."""
    found = connectors.parts(source, secrets)
    report.parts = len(found)
    with warehouse.writer() as writer:
        gone = writer.cursors(source.name).keys() - {part.name for part in found}
        found, note = settled(source, found, writer, now)
        changed = to_read(source, found, writer, rules(warehouse))
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
        reading = _Reading(source, secrets, part, fingerprint, warehouse, watermark, report)
        for position in reading.batches():
            progress(Progress(source.name, part.name, done + position, total))
        done += part.size
        report.read += 1


@dataclass(frozen=True)
class _Reading:
    """The reading of one file, from its start to its end."""

    source: FilesSource
    secrets: Secrets
    part: Part
    fingerprint: str
    warehouse: EventStore
    watermark: datetime | None
    report: Report

    def batches(self) -> Iterator[int]:
        """Commit batch after batch, yielding how many bytes are read, then the end."""
        seen, rejects = [np.empty(0, np.int64)], [_NO_REJECTS]
        records = rounded = 0
        place = self.source.name, self.part.name
        for batch, admitted, prepared in ahead(self._prepared()):
            received_at = clock.now()
            with self.warehouse.writer() as writer, writer.commit(received_at):
                stored = writer.store(
                    *place, prepared, received_at=received_at, watermark=self.watermark
                )
                writer.set_aside(*place, batch.rejects)
                admitted.note(writer, self.source.name, stored)
            seen.append(stored.seqs)
            rejects.append(batch.rejects.select("line"))
            records += batch.records
            rounded += batch.rounded
            self.report.add(
                stored,
                records=batch.records,
                rejected=batch.rejects.height,
                rounded=batch.rounded,
            )
            yield batch.position
        cursor = Cursor(self.fingerprint, self.part.size, self.part.changed_ns, records, rounded)
        with self.warehouse.writer() as writer, writer.commit(clock.now()):
            self.report.retracted += writer.finish_part(
                *place, seen=np.concatenate(seen), rejects=pl.concat(rejects), cursor=cursor
            )

    def _prepared(self) -> Iterator[tuple[Batch, Admitted, Prepared]]:
        name, columns = self.source.name, columns_of(self.source)
        for read in connectors.read_part(self.source, self.part, self.secrets):
            batch, admitted = Admission(self.warehouse, columns).batch(read)
            prepared = self.warehouse.prepare(name, batch.events, WriteMode.REPLACE)
            yield batch, admitted, prepared


def _watermark(source: str, warehouse: EventStore) -> datetime | None:
    with warehouse.reader(OWNER) as reader:
        known = reader.sources().filter(pl.col("name") == source)["watermark"]
    return known[0] if len(known) else None
