"""Gives pushed messages that were set aside another chance: contracts or this program changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from analyticspro import clock
from analyticspro.collecting import Converter, Unacceptable, Wrong, messages
from analyticspro.errors import AnalyticsProError, UnknownName
from analyticspro.ingest.deliveries import Delivery, Lot, Reject, Sent
from analyticspro.ingest.intake import COLLECTOR
from analyticspro.ingest.logged import logged
from analyticspro.ingest.report import Progress, Report
from analyticspro.policy import OWNER
from analyticspro.warehouse import PushedReject, Warehouse, Writer

__all__ = ["check_pushed", "replay_pushed"]

_RECORDS_PER_COMMIT = 5_000
_MICROSECOND = timedelta(microseconds=1)
_NO_TIME = (
    "came before it was kept when a message came, and does not say itself when it happened. "
    "Send it again"
)


def check_pushed(name: str, warehouse: Warehouse) -> None:
    """Raise UnknownName unless something was pushed under the source's name `name`."""
    with warehouse.reader(OWNER) as reader:
        known = dict(reader.sources().select("name", "declaration").iter_rows())
    if known.get(name) != COLLECTOR:
        pushed = [each for each, declared in known.items() if declared == COLLECTOR]
        raise UnknownName.of("pushed source", name, pushed)


def replay_pushed(
    name: str, warehouse: Warehouse, *, progress: Callable[[Progress], None]
) -> Report:
    """Make events anew of the messages of a pushed source that were set aside.

    As `replay` does for pulled sources: what is good now is stored and its reject resolved, in
    one transaction; what is still wrong is set aside with its reason of now. A message is read
    as when it came: from then its time counts, and by its address its type.

    Args:
        name: Of the source, as write keys say it.
        warehouse: What holds the rejects.
        progress: Called after each commit, in records.

    Raises:
        UnknownName: Nothing was ever pushed under that name.
    """
    check_pushed(name, warehouse)
    started = time.monotonic()
    report = Report(name)
    with warehouse.turn(name), logged(warehouse, report, "replay", clock.now()):
        try:
            _replay(name, warehouse, report, progress)
        except AnalyticsProError as error:
            report.error = error.payload()
        report.conclude(time.monotonic() - started)
    return report


def _replay(
    name: str, warehouse: Warehouse, report: Report, progress: Callable[[Progress], None]
) -> None:
    with warehouse.reader(OWNER) as reader:
        parts = reader.rejected_parts(name)
        watermarks = reader.stream_watermarks(name)
        before = reader.revision() + 1
    report.parts = len(parts)
    for part in parts:
        taken = -1
        while taken:
            now = clock.now()
            with warehouse.writer() as writer, writer.commit(now):
                raws = writer.take_back(name, part, before=before, most=_RECORDS_PER_COMMIT)["raw"]
                taken = len(raws)
                known = warehouse.syncs.pushed(name, raws.to_list())
                lot = Lot(name, warehouse, [_delivery(name, part, raws, known, now)])
                _store(writer, (name, part), lot, now, watermarks.get(part))
            lot.count(report)
            progress(Progress(name, part, report.records, 0))
        report.read += 1


def _store(
    writer: Writer, place: tuple[str, str], lot: Lot, now: datetime, watermark: datetime | None
) -> None:
    if lot.prepared is not None:
        lot.stored = writer.store(*place, lot.prepared, received_at=now, watermark=watermark)
        lot.admitted.note(writer, place[0], lot.stored)
    writer.set_aside(*place, lot.rejects)
    writer.keep_pushed(place[0], lot.pushed)


def _delivery(
    name: str, part: str, raws: Iterable[str], known: dict[str, PushedReject], now: datetime
) -> Delivery:
    """Return the messages as one delivery, each made an event as when it came."""
    rows: list[tuple[object, ...]] = []
    sent: list[Sent] = []
    rejects: list[Reject] = []
    refused: list[Sent] = []
    for raw in raws:
        how = known.get(raw)
        told = Sent(how.received_at, how.behind_us, how.kind) if how else Sent(now, None, None)
        try:
            rows.append(_row(name, raw, told, is_known=how is not None))
            sent.append(told)
        except Wrong as error:
            rejects.append((*error.told, raw))
            refused.append(told)
    return Delivery(name, part, rows, rejects, 0, refused, sent.__getitem__)


def _row(name: str, raw: str, sent: Sent, *, is_known: bool) -> tuple[object, ...]:
    try:
        read = messages(f'{{"batch":[{raw}]}}'.encode(), is_batch=True)
    except Unacceptable as error:
        # Such as one that was too large, of which the beginning is kept.
        raise Wrong(None, None, f"cannot be read as it was kept ({error}). Send it again") from None
    [message] = read.messages
    behind = None if sent.behind_us is None else sent.behind_us * _MICROSECOND
    converter = Converter(
        name,
        received_at=sent.received_at,
        sent_at=None if behind is None else (sent.received_at - behind).isoformat(),
        is_plain=read.is_plain,
        kind=sent.kind,
    )
    row = converter.row(message, converter.raw(message))
    if not is_known and not _says_when(message):
        raise Wrong(None, None, _NO_TIME)
    return row


def _says_when(message: object) -> bool:
    return isinstance(message, dict) and any(
        message.get(field) not in (None, "") for field in ("originalTimestamp", "timestamp")
    )
