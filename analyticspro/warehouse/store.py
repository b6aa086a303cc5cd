"""The open warehouse: any number of readers beside one writer, in one process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from analyticspro.errors import AnalyticsProError, WarehouseBusy
from analyticspro.events import WriteMode
from analyticspro.policy import Scope
from analyticspro.warehouse.archive import Archive
from analyticspro.warehouse.confirmed import Confirmed
from analyticspro.warehouse.database import Database
from analyticspro.warehouse.erasing import Erasing, Rooms
from analyticspro.warehouse.expiring import Expired, expire
from analyticspro.warehouse.incoming import Prepared, prepare
from analyticspro.warehouse.memory import Memory
from analyticspro.warehouse.narrowing import as_known_at
from analyticspro.warehouse.opening import ARCHIVE, open_at
from analyticspro.warehouse.promoting import Promoting
from analyticspro.warehouse.properties import Properties
from analyticspro.warehouse.reader import Reader
from analyticspro.warehouse.rollups import compact
from analyticspro.warehouse.schema import MIGRATIONS
from analyticspro.warehouse.session_days import bring_up
from analyticspro.warehouse.syncs import Syncs
from analyticspro.warehouse.tail import Tail
from analyticspro.warehouse.writer import Writer

__all__ = ["Warehouse"]

_WAIT_STEP_S = 0.1
_EVENTS_TO_COMPACT = 200_000
_COMPACT_AFTER_S = 15.0
_log = logging.getLogger(__name__)
_HOLDING = threading.Lock()
_HELD_HERE: set[Path] = set()


class Warehouse:
    """The open warehouse. Any number of readers beside one writer, in this one process."""

    def __init__(self, file: Path, database: Database, zone: str) -> None:
        self._file = file
        self._database = database
        self._zone = zone
        self._compactor = ThreadPoolExecutor(1, thread_name_prefix="compact")
        self._compacting: Future[None] | None = None
        self._soon: threading.Timer | None = None
        self._one_compacts = threading.Lock()
        self._writing = threading.Lock()
        self._memory: Memory | None = None
        self._confirmed = Confirmed(file)
        self._tail = Tail(zone)
        self._turns: dict[str, threading.Lock] = {}
        self.properties = Properties(database, self._writing)
        self.syncs = Syncs(database, self._writing)
        self.archive = Archive(database, self._writing, file.parent / ARCHIVE)
        self.promoting = Promoting(database, self._writing, self.archive, self.writer)
        self.erasing = Erasing(
            Rooms(
                database,
                file,
                zone,
                self._writing,
                self._one_compacts,
                self.writer,
                self.compact,
            ),
            self.archive,
            self.properties,
        )

    @classmethod
    def open(
        cls,
        file: Path,
        *,
        backups: Path,
        zone: str = "UTC",
        wait_for_s: float = 0,
        migrations: Sequence[str] = MIGRATIONS,
        memory_mb: int = 1500,
    ) -> Warehouse:
        """Return the warehouse in `file`, made or brought to the newest schema first.

        Args:
            file: The DuckDB file; only its owner may read it.
            backups: Folder for the copy that is made before a migration.
            zone: Whose days and months are rolled up.
            wait_for_s: How long to wait for another process that holds the file, seconds.
            migrations: The steps from an empty file to the newest schema.
            memory_mb: Memory for pages and intermediate results, MB.

        Raises:
            WarehouseBusy: Another process holds it, or another part of this one.
            WarehouseError: It is damaged, cannot be written, or is of a newer version of
                this program.
            RetriableError: There is no space for it.
        """
        deadline = time.monotonic() + wait_for_s
        place = file.resolve()
        while True:
            try:
                with _held_here(place):
                    connect = partial(open_at, file, backups, migrations, memory_mb)
                    return cls(place, Database(place, connect), zone)
            except WarehouseBusy:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_WAIT_STEP_S)

    def close(self) -> None:
        """Write everything into the file and let go of it."""
        with self._writing:
            if self._soon is not None:
                self._soon.cancel()
            self._compactor.shutdown(wait=False, cancel_futures=True)
        self._compactor.shutdown()
        self.promoting.close()
        with self._writing:
            if self._database.is_closed:
                return  # another may have opened the file since
            self._database.close()
            self._confirmed.close()
        _HELD_HERE.discard(self._file)

    @contextmanager
    def reader(self, scope: Scope, *, as_of: datetime | None = None) -> Iterator[Reader]:
        """Give a reader that sees one moment of the warehouse, and what `scope` may see.

        Args:
            scope: Who reads.
            as_of: An earlier moment, UTC: what was committed by then. None for now.
        """
        if as_of is not None:
            with self._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
                revision = as_known_at(cursor, as_of)
                yield Reader(cursor, scope, self._zone, as_of=revision)
            return
        # Asked before the moment is fixed, so that it never promises a note that is not there.
        noted = 0 if self._memory is None else self._memory.noted
        with self._database.cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            yield Reader(cursor, scope, self._zone, noted=noted, tail=self._tail)

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Give the writer, once whoever has it is done.

        Raises:
            RetriableError: No space is left, or DuckDB gave up. The commit at hand may stand
                nevertheless: to make it again is safe, as its ids tell.
        """
        with self._writing, self._database.standing() as standing:
            if self._memory is None or not self._memory.is_sound:
                self._memory = Memory.read(standing.connection)
            try:
                yield Writer(standing, self._memory, self.promoting.known())
            finally:
                self._confirmed.note(self._memory.revision)
            self._compact_if_due(self._memory)

    @property
    def newest(self) -> tuple[int, int]:
        """Two numbers, others after each commit and each note about a source; nothing is read."""
        memory = self._memory
        return (0, 0) if memory is None else (memory.revision, memory.noted)

    def expire(self, before: date, *, at: datetime) -> list[Expired]:
        """Delete archived months before `before` for good; see `expiring.expire`."""
        self.compact()
        return expire(self.archive, self.writer, before, at=at)

    def compact(self) -> None:
        """Bring rollups and sessions up to date.

        It is done by itself after every 200,000 events, and a quarter of a minute after fewer.
        """
        with self._one_compacts, self._database.cursor() as cursor:
            compact(cursor, self._zone)
            bring_up(cursor, self._zone)

    def _compact_if_due(self, memory: Memory, enough: int = _EVENTS_TO_COMPACT) -> None:
        is_idle = self._compacting is None or self._compacting.done()
        if is_idle and memory.since_compacted >= enough:
            memory.since_compacted = 0
            self._compacting = self._compactor.submit(self._compact_later)
        elif memory.since_compacted and self._soon is None:
            self._soon = threading.Timer(_COMPACT_AFTER_S, self._compact_what_came)
            self._soon.daemon = True
            self._soon.start()

    def _compact_what_came(self) -> None:
        with self._writing:
            self._soon = None
            if self._memory is not None:
                with suppress(RuntimeError):  # it is being closed
                    self._compact_if_due(self._memory, enough=1)

    def _compact_later(self) -> None:
        try:
            self.compact()
        except (AnalyticsProError, duckdb.Error):
            _log.exception("The rollups stay as they were; figures are exact without them.")

    def standing_still(self, keep: Callable[[Path], None]) -> int:
        """Call `keep` with the file, whole and unchanging; return the newest revision.

        Readers go on; whoever writes waits.
        """
        with self._writing:
            if self._compacting is not None:
                self._compacting.result()
            with self._database.cursor() as cursor:
                cursor.execute("CHECKPOINT")
                memory = self._memory or Memory.read(cursor)
                keep(self._file)
                return memory.revision

    @contextmanager
    def turn(self, source: str) -> Iterator[None]:
        """Wait until no other sync of `source` is at work, and keep them waiting."""
        with self._turns.setdefault(source, threading.Lock()):
            yield

    def prepare(self, source: str, events: pl.DataFrame, mode: WriteMode) -> Prepared:
        """Return `events` ready to be stored; whoever writes need not wait for this."""
        with self._database.cursor() as cursor:
            return prepare(cursor, source, events, mode)


@contextmanager
def _held_here(file: Path) -> Iterator[None]:
    """Note that this process holds `file`, unless what is done within fails.

    DuckDB would let one process open a file twice, and close it under the other's feet.
    """
    with _HOLDING:
        if file in _HELD_HERE:
            raise WarehouseBusy(f"{file} is open in this process already. Wait until it is done.")
        _HELD_HERE.add(file)
    try:
        yield
    except BaseException:
        _HELD_HERE.discard(file)
        raise
