"""A connection to a database for as long as one stream is read: short, read-only transactions.

Each page is a transaction of its own. One that stayed open while pages are stored would keep
the database from cleaning up behind all its other users (PostgreSQL's vacuum, InnoDB's undo
log), and would end with the first break of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError

from analyticspro.connectors.sql_database import Database
from analyticspro.connectors.sql_failures import first_line, raised
from analyticspro.connectors.sql_source import SqlSource
from analyticspro.errors import SourceError

__all__ = ["Fetched", "Session", "opened"]


@dataclass(frozen=True)
class Fetched:
    """The answer to a statement, as the driver gives it.

    Attributes:
        columns: Name and type of each; the type as of `Column.code`.
    """

    columns: Sequence[tuple[str, Any]]
    rows: Sequence[tuple[Any, ...]]


class Session:
    """A connection that can only read."""

    def __init__(
        self, source: SqlSource, database: Database, connection: Connection, password: str | None
    ) -> None:
        """Make it; `opened` does."""
        self.database = database
        self._source = source
        self._connection = connection
        self._password = password

    @contextmanager
    def transaction(self, place: str) -> Iterator[Connection]:
        """Run a transaction; `place` names the stream, for errors."""
        translated = _translated(self._source, self.database, self._password, f"{place} of ")
        with translated, self._connection.begin():
            self.database.begin(self._connection, self._source)
            yield self._connection

    def fetch(self, statement: Select[Any], place: str) -> Fetched:
        """Return the answer to `statement`."""
        with self.transaction(place) as connection:
            cursor = connection.execute(statement).cursor
            assert cursor is not None
            described = [(name, code) for name, code, *_ in cursor.description]
            return Fetched(described, cursor.fetchall())


@contextmanager
def opened(source: SqlSource, database: Database, password: str | None) -> Iterator[Session]:
    """Connect, and disconnect when the block ends.

    Raises:
        SourceError: It does not let us in.
        RetriableError: It is not to be reached now.
    """
    try:
        engine = database.engine(source, password)
    except OSError as error:
        raise SourceError(
            f"Source {source.name}: tls_ca {source.tls_ca} cannot be used: {error}."
        ) from None
    connection = None
    try:
        with _translated(source, database, password, f"Source {source.name}: "):
            connection = engine.connect()
            database.prepare(connection, source)
        yield Session(source, database, connection, password)
    finally:
        if connection is not None:
            connection.close()
        engine.dispose()


@contextmanager
def _translated(
    source: SqlSource, database: Database, password: str | None, what: str
) -> Iterator[None]:
    """Turn errors of SQLAlchemy and of the driver into ours, with nothing secret in them."""
    try:
        yield
    except (DBAPIError, database.error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        assert cause is not None
        said = first_line(cause)
        if password:
            said = said.replace(password, "***")
        place = f"{what}{source.address}"
        cure = f"analyticspro secrets set {source.name}.{source.password or 'NAME'}"
        raise raised(database.failure(cause), place, said, cure) from None
