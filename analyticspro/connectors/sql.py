"""The SQL connector: declared tables of a database, page by page.

Rows are told from each other by `key`, and what is new by `updated_at`. A page starts behind
the last row of the page before, whatever has happened to the table since: a row that changes
meanwhile moves to the end, where it is read again. What this cannot see: a row that was
deleted (unless the table is read whole), and a change that leaves `updated_at` as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from analyticspro.connectors.page import Page
from analyticspro.connectors.sql_database import Database
from analyticspro.connectors.sql_reading import Reading
from analyticspro.connectors.sql_session import opened
from analyticspro.connectors.sql_source import SqlSource
from analyticspro.errors import UnknownName
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets

__all__ = ["SqlConnector"]

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # counting asks for no clock


class SqlConnector:
    """Reads one database."""

    def __init__(self, source: SqlSource, secrets: Secrets) -> None:
        """Make it; nothing is connected yet."""
        self.name = source.name
        self._source = source
        self._secrets = secrets

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the names of the streams, each with what a second record of an id means."""
        return {name: stream.write_mode for name, stream in self._source.streams.items()}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield what is new since `cursor`; from the start without one.

        Raises:
            SourceError: The source cannot be read; what was yielded stays valid.
            RetriableError: Not now; what was yielded stays valid.
        """
        with self._reading(stream, now) as reading:
            yield from reading.pages(cursor)

    def read_range(
        self, stream: str, cursor: str | None, *, since: datetime, until: datetime, now: datetime
    ) -> Iterator[Page]:
        """Yield the rows whose `updated_at` lies in the range; all, where there is none."""
        with self._reading(stream, now) as reading:
            yield from reading.range(cursor, since, until)

    def beyond(self, stream: str) -> str | None:
        """Return what is read besides a range."""
        declared = self._source.streams[stream]
        if declared.updated_at is None or not declared.is_timed:
            return f"No time orders the rows of {stream} (updated_at): all of them were read."
        return None

    def count(self, stream: str) -> int:
        """Return how many rows there are now."""
        with self._reading(stream, _ANY_TIME) as reading:
            return reading.count()

    @contextmanager
    def _reading(self, stream: str, now: datetime) -> Iterator[Reading]:
        source = self._source
        if stream not in source.streams:
            raise UnknownName.of("stream", stream, source.streams, where=f"source {source.name}")
        password = None
        if source.password is not None:
            password = self._secrets.get(source.name, source.password)
        with opened(source, _database(source), password) as session:
            yield Reading(source, stream, session, now)


def _database(source: SqlSource) -> Database:
    """Return what speaks to the database of `source`; only its own driver is imported."""
    match source.address.kind:
        case "postgresql":
            from analyticspro.connectors.sql_postgresql import PostgreSQL

            return PostgreSQL()
        case "mysql":
            from analyticspro.connectors.sql_mysql import MySQL

            return MySQL()
        case _:
            from analyticspro.connectors.sql_sqlite import SQLite

            return SQLite()
