"""Group commit: the events of many deliveries in one transaction, answered once it is durable.

Deliveries wait in a queue that is bounded in events and in bytes. One thread takes all that
is there, up to a number of events, commits it, and then answers every delivery in it. While
it commits the next group gathers, so the busier it is the larger the groups are, and the less
each event costs. What cannot be committed is answered with an error and nothing of it stays.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeAlias

import polars as pl

from analyticspro import clock, events
from analyticspro.connectors.batch import REJECTS
from analyticspro.errors import AnalyticsProError, DataError, RetriableError
from analyticspro.events import WriteMode
from analyticspro.ingest.report import Report
from analyticspro.warehouse import Outcome, Warehouse

__all__ = ["ALLOWED_LATENESS", "Delivery", "Intake", "Limits", "Reject", "Taken"]

# A pushed source is complete up to this long ago; older events are marked late.
ALLOWED_LATENESS = timedelta(hours=1)

_log = logging.getLogger(__name__)

# field, value, reason, raw
Reject: TypeAlias = tuple[str | None, str | None, str, str | None]
_COLUMNS = (
    "event_id name occurred_at customer_id user_id session_id amount_minor currency "
    "properties raw"
).split()
_TYPES = {name: events.SCHEMA[name] for name in _COLUMNS} | {"occurred_at": pl.Int64}
_NOTE_EVERY_S = 60.0


@dataclass(frozen=True)
class Limits:
    """What the queue holds, and how it is emptied.

    Attributes:
        events: Most events that wait.
        size: Most bytes that wait.
        group: Most events in a transaction, but for a single delivery that has more.
        spacing_s: Seconds from the start of one commit to that of the next, at least. A
            commit costs much the same for 1 event as for 100.
        patience_s: Once the oldest has waited so long (something else holds the writer),
            no more are taken.
    """

    events: int = 50_000
    size: int = 64 << 20
    group: int = 5_000
    spacing_s: float = 0.04
    patience_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came at once, from one source.

    Attributes:
        source: Its name.
        part: The stream of it.
        rows: Its events, each the columns from event_id to raw of `events.SCHEMA`, in that
            order, `occurred_at` in microseconds since 1970.
        rejects: What cannot be an event: field, value, reason, raw.
        size: Bytes that it takes, about.
    """

    source: str
    part: str
    rows: Sequence[tuple[object, ...]]
    rejects: Sequence[Reject]
    size: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery, durably.

    Attributes:
        outcomes: An `Outcome` for each row; None for one that was set aside after all.
        problems: Why, by the position of the row: field, value, reason.
    """

    outcomes: Sequence[int | None]
    problems: dict[int, tuple[str | None, str | None, str]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    answer: asyncio.Future[Taken]
    loop: asyncio.AbstractEventLoop
    since: float


@dataclass
class _Counts:
    """What came of a source since this process took the first of it."""

    noted_at: float = float("-inf")
    report: Report = field(default_factory=lambda: Report(""))


class Intake:
    """The one way in for what is pushed. Its thread starts with the first delivery."""

    def __init__(
        self,
        warehouse: Warehouse,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._warehouse = warehouse
        self._limits = limits or Limits()
        self._now = now
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._events = self._size = 0  # those waiting, and those being committed
        self._since: float | None = None  # when the oldest of a group at work came
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._counts: dict[str, _Counts] = {}

    def is_full(self) -> bool:
        """Tell whether nothing more can be taken for now."""
        limits = self._limits
        oldest = self._since or (self._queue[0].since if self._queue else None)
        return (
            self._is_closed
            or self._events >= limits.events
            or self._size >= limits.size
            or (oldest is not None and time.monotonic() - oldest > limits.patience_s)
        )

    def submit(self, delivery: Delivery) -> asyncio.Future[Taken]:
        """Queue a delivery; the answer comes once all of it is committed, or it fails.

        Raises:
            RetriableError: The queue is full, or being closed. (The answer raises it too,
                if the commit fails: nothing of the delivery is stored then.)
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Taken] = loop.create_future()
        with self._changed:
            if self.is_full():
                raise RetriableError("Too much is waiting to be stored. Send it again later.")
            self._queue.append(_Waiting(delivery, answer, loop, time.monotonic()))
            self._count(delivery, 1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="intake")
                self._thread.start()
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Commit what waits, answer it, and take no more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _count(self, delivery: Delivery, sign: int) -> None:
        self._events += sign * (len(delivery.rows) + len(delivery.rejects))
        self._size += sign * delivery.size

    def _run(self) -> None:
        started = float("-inf")
        while True:
            group = self._next(started + self._limits.spacing_s)
            if not group:
                return
            started = time.monotonic()
            try:
                answers: list[Taken] | AnalyticsProError = self._commit(group)
            except Exception as error:
                _log.exception("A commit of pushed events failed; nothing of it is stored.")
                answers = _failure(error)
            _answer(group, answers)
            with self._changed:
                for waiting in group:
                    self._count(waiting.delivery, -1)
                self._since = None

    def _next(self, not_before: float) -> list[_Waiting]:
        """Wait for deliveries and return a group of them; an empty one: it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            while not self._is_closed and self._events < self._limits.group:
                left = not_before - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            group: list[_Waiting] = []
            events_taken = 0
            while self._queue:
                delivery = self._queue[0].delivery
                events_taken += len(delivery.rows) + len(delivery.rejects)
                if group and events_taken > self._limits.group:
                    break
                group.append(self._queue.popleft())
            self._since = group[0].since if group else None
            return group

    def _commit(self, group: Sequence[_Waiting]) -> list[Taken]:
        """Store a group in one transaction; return what became of each delivery of it."""
        by_part: dict[tuple[str, str], list[int]] = {}
        for position, waiting in enumerate(group):
            place = (waiting.delivery.source, waiting.delivery.part)
            by_part.setdefault(place, []).append(position)
        prepared = {
            place: _Lot([group[at].delivery for at in positions])
            for place, positions in by_part.items()
        }
        ready = {
            place: self._warehouse.prepare(lot.good, WriteMode.APPEND)
            for place, lot in prepared.items()
            if lot.good.height
        }
        with self._warehouse.writer() as writer:
            now = self._now()
            with writer.commit(now):
                for place, lot in prepared.items():
                    if place in ready:
                        lot.outcomes = writer.store(
                            *place,
                            ready[place],
                            received_at=now,
                            watermark=now - ALLOWED_LATENESS,
                        ).outcomes.tolist()
                    writer.set_aside(*place, lot.rejects)
        taken: dict[int, Taken] = {}
        for place, positions in by_part.items():
            taken.update(zip(positions, prepared[place].taken(), strict=True))
        return [taken[position] for position in range(len(group))]


class _Lot:
    """The deliveries of one source in a group, as frames."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._sizes = [len(delivery.rows) for delivery in deliveries]
        columns = list(zip(*chain.from_iterable(d.rows for d in deliveries), strict=True))
        rows = pl.DataFrame(
            dict(zip(_COLUMNS, columns or [[]] * len(_COLUMNS), strict=True)), schema=_TYPES
        ).select(
            pl.all().exclude("occurred_at"),
            pl.from_epoch("occurred_at", time_unit="us").dt.replace_time_zone("UTC"),
            version=pl.lit(None, pl.Int64),
        ).select(events.SCHEMA.names())
        found = events.problems(rows)
        self.problems = {
            row: (where, value, reason) for row, where, value, reason in found.iter_rows()
        }
        self.good = rows
        if self.problems:
            is_good = pl.Series([row not in self.problems for row in range(rows.height)])
            self.good = rows.filter(is_good)
        aside = [
            *chain.from_iterable(delivery.rejects for delivery in deliveries),
            *((*problem, rows["raw"][row]) for row, problem in self.problems.items()),
        ]
        self.rejects = pl.DataFrame(
            [(None, *reject) for reject in aside], schema=REJECTS, orient="row"
        )
        self.outcomes: list[int] = []

    def taken(self) -> list[Taken]:
        """Return what became of each delivery."""
        good = iter(self.outcomes)
        outcomes = [
            None if row in self.problems else next(good) for row in range(sum(self._sizes))
        ]
        taken, first = [], 0
        for size in self._sizes:
            problems = {
                row - first: problem
                for row, problem in self.problems.items()
                if first <= row < first + size
            }
            taken.append(Taken(outcomes[first : first + size], problems))
            first += size
        return taken


def _failure(error: Exception) -> AnalyticsProError:
    return RetriableError("The events could not be stored. Send them again later.")


def _answer(group: Sequence[_Waiting], answers: Sequence[Taken] | AnalyticsProError) -> None:
    """Hand the answers over to the loops that wait for them, all at once."""
    loops = {waiting.loop for waiting in group}
    pairs = list(zip(group, answers, strict=True)) if not isinstance(answers, AnalyticsProError) else [(w, answers) for w in group]
    for loop in loops:
        try:
            loop.call_soon_threadsafe(_resolve, [pair for pair in pairs if pair[0].loop is loop])
        except RuntimeError:
            pass  # the loop has ended, and with it whoever waited
