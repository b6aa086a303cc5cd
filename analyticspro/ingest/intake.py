"""Group commit: the events of many deliveries in one transaction, answered once it is durable.

Deliveries wait in a queue that is bounded in events and in bytes. One thread takes all that
is there, up to a number of events, commits it, and then answers every delivery in it. While
it commits the next group gathers, so the busier it is the larger the groups are, and the less
each event costs. What cannot be committed is answered with an error, and nothing of it stays.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import polars as pl

from analyticspro import clock, logs
from analyticspro.errors import AnalyticsProError, RetriableError
from analyticspro.ingest.deliveries import Delivery, Lot, Taken
from analyticspro.ingest.event_store import EventStore, EventWriter
from analyticspro.ingest.report import Report
from analyticspro.policy import OWNER

__all__ = ["ALLOWED_LATENESS", "COLLECTOR", "Intake", "Limits"]

# A pushed source is complete up to this long ago; an older event is marked late.
ALLOWED_LATENESS = timedelta(minutes=5)
COLLECTOR = json.dumps({"connector": "collector"})  # what a pushed source is declared as

_NOTE_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Limits:
    """What the queue holds, and how it is emptied.

    Attributes:
        events: Most events that wait, those of the commit at work included.
        size: Most bytes of them.
        group: Most events in a transaction, but for a single delivery that has more.
        spacing: How many times as long as the last commit took the next one is put off, from
            the start of the one to that of the other: a commit costs much the same for one
            event as for a hundred.
        latest_s: But not longer than so many seconds.
        patience_s: Once the oldest has waited so long, because something else holds the
            writer, no more are taken.
    """

    events: int = 50_000
    size: int = 64 << 20
    group: int = 5_000
    spacing: float = 3.0
    latest_s: float = 0.1
    patience_s: float = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    answer: asyncio.Future[Taken]
    loop: asyncio.AbstractEventLoop
    since: float


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of a source since this process has run, and when that was last written down."""

    report: Report
    noted_at: datetime


_Place: TypeAlias = tuple[str, str]  # source, part


class Intake:
    """The one way in for what is pushed. Its thread starts with the first delivery."""

    def __init__(
        self,
        warehouse: EventStore,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._warehouse = warehouse
        self._limits = limits or Limits()
        self._now = now
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._at_work: list[_Waiting] = []
        self._events = self._size = 0
        self._thread: threading.Thread | None = None
        self._is_closed = self._has_failed = False
        self._told: dict[_Place, _Told] = {}

    @property
    def waiting(self) -> int:
        """How many events wait to be stored, those of the commit at work included."""
        return self._events

    def is_full(self) -> bool:
        """Tell whether nothing more can be taken for now."""
        with self._changed:
            return self._is_full()

    def submit(self, delivery: Delivery) -> asyncio.Future[Taken]:
        """Queue a delivery; what is returned is done once all of it is committed.

        It raises RetriableError if the commit failed: nothing of the delivery is stored then.

        Raises:
            RetriableError: The queue is full, or closed.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(delivery, loop.create_future(), loop, time.monotonic())
        with self._changed:
            if self._is_full():
                raise RetriableError("Too much is waiting to be stored. Send it again later.")
            self._queue.append(waiting)
            self._events += delivery.records
            self._size += delivery.size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="intake")
                self._thread.start()
            self._changed.notify()
        return waiting.answer

    def keep_time(self) -> None:
        """Note that what is pushed is complete up to `ALLOWED_LATENESS` ago, if that is so.

        While nothing comes no commit says so, and figures would wait for ever. It is so while
        events could come: not once the queue is full or the last commit has failed.
        """
        with self._changed:
            if self._has_failed or self._is_full():
                return
        complete_to = self._now() - ALLOWED_LATENESS
        with self._warehouse.reader(OWNER) as reader:
            pushed = reader.sources().filter(pl.col("declaration") == COLLECTOR)["name"]
            stale = [
                (source, stream)
                for source in pushed
                for stream, at in reader.stream_watermarks(source).items()
                if at < complete_to
            ]
        if stale:
            with self._warehouse.writer() as writer:
                for source, stream in stale:
                    writer.reached(source, stream, complete_to)

    def close(self) -> None:
        """Take no more; commit and answer what waits."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _is_full(self) -> bool:
        limits = self._limits
        oldest = next(iter(self._at_work or self._queue), None)
        return (
            self._is_closed
            or self._events >= limits.events
            or self._size >= limits.size
            or (oldest is not None and time.monotonic() - oldest.since > limits.patience_s)
        )

    def _run(self) -> None:
        not_before = float("-inf")
        while group := self._next(not_before):
            started = time.monotonic()
            try:
                _answer(group, self._commit([waiting.delivery for waiting in group]))
                self._has_failed = False
            except Exception as error:  # noqa: BLE001 - whoever waits has to be told, whatever it is
                self._has_failed = True
                logs.error("pushed events not stored", error)
                _answer(group, None)
            limits = self._limits
            took = time.monotonic() - started
            not_before = started + min(took * limits.spacing, limits.latest_s)
            with self._changed:
                self._at_work = []
                for waiting in group:
                    self._events -= waiting.delivery.records
                    self._size -= waiting.delivery.size

    def _next(self, not_before: float) -> list[_Waiting]:
        """Wait for deliveries and return a group of them; an empty one once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            while not self._is_closed and self._events < self._limits.group:
                left = not_before - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            group: list[_Waiting] = []
            records = 0
            while self._queue:
                records += self._queue[0].delivery.records
                if group and records > self._limits.group:
                    break
                group.append(self._queue.popleft())
            self._at_work = group
            return group

    def _commit(self, group: Sequence[Delivery]) -> list[Taken]:
        """Store a group in one transaction; return what became of each delivery of it."""
        positions: dict[_Place, list[int]] = {}
        for at, delivery in enumerate(group):
            positions.setdefault((delivery.source, delivery.part), []).append(at)
        lots = {
            place: Lot(place[0], self._warehouse, [group[at] for at in found])
            for place, found in positions.items()
        }
        with self._warehouse.writer() as writer:
            now = self._now()
            with writer.commit(now):
                told = {place: self._store(writer, place, lot, now) for place, lot in lots.items()}
        self._told |= told
        taken: dict[int, Taken] = {}
        for place, lot in lots.items():
            taken.update(zip(positions[place], lot.taken(), strict=True))
        return [taken[at] for at in range(len(group))]

    def _store(self, writer: EventWriter, place: _Place, lot: Lot, now: datetime) -> _Told:
        complete_to = now - ALLOWED_LATENESS
        if lot.prepared is not None:
            lot.stored = writer.store(*place, lot.prepared, received_at=now, watermark=complete_to)
            lot.admitted.note(writer, place[0], lot.stored)
        writer.set_aside(*place, lot.rejects)
        writer.keep_pushed(place[0], lot.pushed)
        writer.advance(*place, "{}")  # streams are told by their cursors; a pushed one has none
        before = self._told.get(place)
        report = replace(before.report) if before else Report(place[0], parts=1, read=1)
        lot.count(report)
        if before and timedelta(0) <= now - before.noted_at < _NOTE_EVERY:
            return _Told(report, before.noted_at)
        writer.complete(*place, complete_to)
        writer.note_source(
            place[0],
            declaration=COLLECTOR,
            synced_at=now,
            outcome=json.dumps(report.to_json()),
        )
        return _Told(report, now)


def _answer(group: Sequence[_Waiting], answers: Sequence[Taken] | None) -> None:
    """Hand the answers to the loops that wait for them, each loop all of its own at once."""
    for loop in {waiting.loop for waiting in group}:
        pairs = [
            (waiting.answer, None if answers is None else answers[at])
            for at, waiting in enumerate(group)
            if waiting.loop is loop
        ]
        try:
            loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:
            continue  # that loop has ended, and with it whoever waited


def _resolve(pairs: Sequence[tuple[asyncio.Future[Taken], Taken | None]]) -> None:
    for answer, taken in pairs:
        if answer.done():
            continue  # whoever sent it has gone
        if taken is None:
            answer.set_exception(_not_stored())
        else:
            answer.set_result(taken)


def _not_stored() -> AnalyticsProError:
    return RetriableError("The events could not be stored now. Send them again later.")
