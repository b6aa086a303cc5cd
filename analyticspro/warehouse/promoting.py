"""Promotes properties to dimensions, demotes them, and fills the columns meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import duckdb

from analyticspro.errors import AnalyticsProError, RetriableError
from analyticspro.warehouse.archive import Archive
from analyticspro.warehouse.database import Database
from analyticspro.warehouse.promotions import Promotion, promotions
from analyticspro.warehouse.writer import Writer

__all__ = ["Promoting"]

_VERSIONS_PER_STEP = 122_880  # a row group; whoever writes waits for no longer than one takes
_LOOK_S = 0.2
_log = logging.getLogger(__name__)


class Promoting:
    """What is promoted in an open warehouse."""

    def __init__(
        self,
        database: Database,
        writing: threading.Lock,
        archive: Archive,
        writer: Callable[[], AbstractContextManager[Writer]],
    ) -> None:
        """Make it.

        Args:
            database: The open file.
            writing: Held by whoever writes.
            archive: Its archive.
            writer: Gives the writer.
        """
        self._database = database
        self._writing = writing
        self._archive = archive
        self._writer = writer
        self._known: tuple[Promotion, ...] | None = None
        self._filler = ThreadPoolExecutor(1, thread_name_prefix="promote")
        self._filling: Future[None] | None = None
        self._starting = threading.Lock()
        self._is_over = threading.Event()

    def known(self) -> tuple[Promotion, ...]:
        """Return what is promoted; for whoever holds `writing`, as nothing changes then."""
        if self._known is None:
            self._known = self.state()
        return self._known

    def state(self) -> tuple[Promotion, ...]:
        """Return what is promoted, and how far each is filled by now."""
        with self._database.cursor() as cursor:
            return tuple(promotions(cursor))

    def promote(self, dimension: str, event: str | None, path: str, *, at: datetime) -> None:
        """Have a property be a dimension: at once for readers; `start` fills its column.

        It is a commit, so that who remembers answers of a revision asks anew.

        Args:
            dimension: Its name, which nothing else has: small letters, digits and _.
            event: Of the events that have the property; None for all.
            path: Of the property, as `registry_state.path_of` writes it.
            at: Now, UTC.
        """
        promotion = Promotion(dimension, event, path)
        with self._writer() as writer:
            try:
                with writer.commit(at):
                    self._add(writer.connection, promotion, at)
            finally:
                self._known = None

    def demote(self, dimension: str, *, at: datetime) -> bool:
        """Have a property be a dimension no more; return whether it was one.

        Nothing is lost: its values stay in the events' properties.
        """
        with self._writer() as writer:
            [*found] = (each for each in self.known() if each.dimension == dimension)
            try:
                with writer.commit(at):
                    for each in found:
                        self._drop(writer.connection, each)
            finally:
                self._known = None
        return bool(found)

    def start(self) -> None:
        """Go on filling columns in the background, if any is not full."""
        with self._starting:
            # After the one at work, which may have looked before there was anything to fill.
            if not self._is_over.is_set():
                self._filling = self._filler.submit(self.fill)

    def wait(self, dimension: str, progress: Callable[[int, int], None]) -> None:
        """Wait until a column is full, or its dimension is demoted.

        Args:
            dimension: Whose.
            progress: Called with the versions that were passed, and how many there are.

        Raises:
            RetriableError: It cannot be filled now, or this is being closed.
        """
        while True:
            # Asked before the state is, so that what was done in between is not missed.
            is_done = self._filling is None or self._filling.done()
            found = next((each for each in self.state() if each.dimension == dimension), None)
            if found is None:
                return
            progress(min(found.filled_to, found.wanted_to), found.wanted_to)
            if found.is_filled:
                return
            if is_done:
                raise RetriableError(
                    f"{dimension} can be asked by, but its column could not be filled; the log "
                    "says why. Promote it again to go on."
                )
            assert self._filling is not None
            wait([self._filling], _LOOK_S)

    def fill(
        self, *, versions_per_step: int = _VERSIONS_PER_STEP, steps: int | None = None
    ) -> None:
        """Fill columns, a transaction for every so many versions: a kill loses one at most.

        Args:
            versions_per_step: About how many.
            steps: How many transactions at most; None for as many as it takes.
        """
        try:
            while steps is None or steps > 0:
                began = time.monotonic()
                if self._is_over.is_set() or not self._step(versions_per_step):
                    return
                steps = None if steps is None else steps - 1
                # Others may write for as long as they had to wait.
                self._is_over.wait(time.monotonic() - began)
        except (AnalyticsProError, duckdb.Error):
            _log.exception("A column could not be filled; figures are exact without it, if slow.")

    def close(self) -> None:
        """Stop filling, at the end of the step at hand."""
        self._is_over.set()
        self._filler.shutdown(cancel_futures=True)

    def _add(
        self, connection: duckdb.DuckDBPyConnection, promotion: Promotion, at: datetime
    ) -> None:
        connection.execute(f"ALTER TABLE hot ADD COLUMN {promotion.column} VARCHAR")
        connection.execute(
            "INSERT INTO promoted SELECT (SELECT coalesce(max(number), 0) + 1 FROM promoted), "
            "$dimension, $event, $path, (SELECT coalesce(max(seq), 0) FROM hot), 0, $at",
            {
                "dimension": promotion.dimension,
                "event": promotion.event,
                "path": promotion.path,
                "at": at.astimezone(UTC).replace(tzinfo=None),
            },
        )
        self._archive.show(connection)

    def _drop(self, connection: duckdb.DuckDBPyConnection, promotion: Promotion) -> None:
        connection.execute(
            "DELETE FROM promoted WHERE dimension = $dimension",
            {"dimension": promotion.dimension},
        )
        connection.execute(f"ALTER TABLE hot DROP COLUMN {promotion.column}")
        self._archive.show(connection)

    def _step(self, versions: int) -> bool:
        """Fill a part of a column; return whether there was one to fill."""
        with self._writing, self._database.cursor("BEGIN TRANSACTION") as cursor:
            try:
                found = next((each for each in promotions(cursor) if not each.is_filled), None)
                if found is not None:
                    self._fill(cursor, found, versions)
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()
            if found is not None:
                self._known = None
        return found is not None

    def _fill(self, cursor: duckdb.DuckDBPyConnection, promotion: Promotion, versions: int) -> None:
        [(first,)] = cursor.execute(
            "SELECT min(seq) FROM hot WHERE seq > $filled_to AND seq <= $wanted_to",
            {"filled_to": promotion.filled_to, "wanted_to": promotion.wanted_to},
        ).fetchall()
        end = promotion.wanted_to
        if first is not None:
            end = min(end, first + versions - 1)
            cursor.execute(
                f"UPDATE hot SET {promotion.column} = {promotion.value} "
                f"WHERE seq >= $first AND seq <= $end AND {promotion.term}",
                {"first": first, "end": end},
            )
        cursor.execute(
            "UPDATE promoted SET filled_to = $end WHERE dimension = $dimension",
            {"end": end, "dimension": promotion.dimension},
        )
        if end == promotion.wanted_to:
            self._archive.show(cursor)
