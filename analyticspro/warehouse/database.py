"""Keeps the file open for all who use it, and opens it again when DuckDB has given it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from analyticspro.errors import AnalyticsProError, RetriableError, Stopped
from analyticspro.warehouse.failure import ends_the_connection, told
from analyticspro.warehouse.partitions import settle
from analyticspro.warehouse.standing import Standing

__all__ = ["Database"]

_PATIENCE_S = 30.0


class Database:
    """The open file, of which every user has a cursor of their own.

    After some errors (a checkpoint that found the disk full is one) DuckDB answers nothing
    any more before the file is opened anew. That is done here for whoever comes next, once
    all who use it have let go: closing a connection takes its cursors from whoever is at work.
    """

    def __init__(self, file: Path, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._file = file
        self._connect = connect
        self._connection: duckdb.DuckDBPyConnection | None = connect()
        self._standing: Standing | None = None
        self._changed = threading.Condition()
        self._users = 0
        self._began: dict[int, int] = {}  # of each cursor at work, which one it was
        self._last = 0
        self._is_spent = self._is_swapping = self.is_closed = False

    @contextmanager
    def cursor(self, first: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor.

        Args:
            first: What it runs first; tried once more if it finds that DuckDB has given up.

        Raises:
            RetriableError: No space is left; or whoever was at work while DuckDB gave up
                takes too long.
            WarehouseError: The file cannot be read or written.
            Stopped: It is closed.
        """
        cursor = self._started(first)
        with self._used(cursor):
            yield cursor

    @contextmanager
    def standing(self) -> Iterator[Standing]:
        """Give the cursor that stays open from one commit to the next, for who may write.

        Raises as `cursor` does.
        """
        cursor = self._enter(is_standing=True)
        with self._used(cursor):
            assert self._standing is not None
            yield self._standing

    @contextmanager
    def _used(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        gave_up, failed = False, True
        try:
            yield
            failed = False
        except duckdb.Error as error:
            gave_up = ends_the_connection(error)
            known = told(self._file, error)
            if known is None:
                raise
            raise known from None
        except AnalyticsProError as error:  # which may have been made of one of DuckDB's
            gave_up = ends_the_connection(error)
            raise
        finally:
            self._leave(cursor, failed=failed, gave_up=gave_up)

    def close(self) -> None:
        """Write everything into the file and let go of it, once all users have."""
        with self._changed:
            self.is_closed = True
            self._changed.wait_for(lambda: self._users == 0, _PATIENCE_S)
            with suppress(duckdb.Error):  # what the file has no room for stays in its log
                self._let_go()

    def outlast(self) -> bool:
        """Wait until all who are at work now are done; tell whether they are.

        What they saw when they began may be taken from the disk then.
        """
        with self._changed:
            last = self._last
            return self._changed.wait_for(
                lambda: all(began > last for began in self._began.values()), _PATIENCE_S
            )

    def swap(self, remake: Callable[[duckdb.DuckDBPyConnection], Path]) -> None:
        """Put the file that `remake` makes in the place of this one.

        Who reads goes on while it is made, and waits while it is put there. Nobody may write
        from before this until after it.

        Raises:
            RetriableError: Somebody reads for too long; all is as it was.
        """
        with self.cursor() as cursor:
            draft = remake(cursor)
        with self._changed:
            self._is_swapping = True
            try:
                if not self._changed.wait_for(lambda: self._users == 0, _PATIENCE_S):
                    raise RetriableError(f"{self._file} is read for too long. Try again.")
                self._put(draft)
            finally:
                self._is_swapping = False
                self._changed.notify_all()

    def _put(self, draft: Path) -> None:
        if self.is_closed or self._connection is None:
            raise Stopped(f"{self._file} was closed meanwhile. Start again.")
        self._let_go()
        try:
            log = self._file.with_name(f"{self._file.name}.wal")
            if log.exists():  # which would be taken for that of the other file
                raise RetriableError(f"{log} could not be written into its file. Try again.")
            draft.replace(self._file)
            settle(self._file.parent)
        finally:
            self._is_spent = True  # so that whoever comes next opens it

    def _started(self, first: str | None) -> duckdb.DuckDBPyConnection:
        cursor = self._enter()
        if first is None:
            return cursor
        for is_last in (False, True):
            try:
                cursor.execute(first)
                break
            except duckdb.Error as error:
                gave_up = ends_the_connection(error)
                self._leave(cursor, failed=True, gave_up=gave_up)
                if is_last or not gave_up:
                    raise (told(self._file, error) or error) from None
                cursor = self._enter()
        return cursor

    def _enter(self, *, is_standing: bool = False) -> duckdb.DuckDBPyConnection:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_swapping)
            if self._is_spent and not self.is_closed:
                self._open_again()
            if self._connection is None:
                raise Stopped(f"{self._file} is closed. Ask again once the service has started.")
            if is_standing:
                self._standing = self._standing or Standing(self._connection.cursor())
                cursor = self._standing.connection
            else:
                cursor = self._connection.cursor()
            self._users += 1
            self._last += 1
            self._began[id(cursor)] = self._last
            return cursor

    def _leave(
        self, cursor: duckdb.DuckDBPyConnection, *, failed: bool = False, gave_up: bool
    ) -> None:
        with self._changed:
            is_standing = self._standing is not None and self._standing.connection is cursor
            if failed or not is_standing:
                with suppress(duckdb.Error):
                    cursor.close()
            if failed and is_standing:
                self._standing = None
            self._is_spent = self._is_spent or gave_up
            self._users -= 1
            self._began.pop(id(cursor), None)
            self._changed.notify_all()

    def _open_again(self) -> None:
        if not self._changed.wait_for(lambda: not (self._is_spent and self._users), _PATIENCE_S):
            raise RetriableError(
                f"{self._file} has to be opened again, and somebody still reads it. Try again."
            )
        if not self._is_spent or self.is_closed:
            return
        with suppress(duckdb.Error):
            self._let_go()
        self._connection = self._connect()
        self._is_spent = False

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        standing, self._standing = self._standing, None
        if standing is not None:
            with suppress(duckdb.Error):
                standing.connection.close()
        if connection is not None:
            connection.close()
