"""What the databases differ in; each is a module of its own, `sql_NAME`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from analyticspro.connectors.sql_failures import Failure
from analyticspro.connectors.sql_source import SqlSource

__all__ = ["Column", "Database"]


@dataclass(frozen=True)
class Column:
    """A column of a table or of a query.

    Attributes:
        is_nullable: Whether it may be empty, as far as the database tells.
        is_sorted: Whether rows are compared by it as they are sorted by it.
        code: What the driver calls its type; None where the values tell.
    """

    name: str
    is_nullable: bool = True
    is_sorted: bool = True
    code: Any = None


class Database(Protocol):
    """One kind of database: how to open it, and what its values are as text."""

    compares_rows: bool  # whether (a, b) > (c, d) makes use of an index on a, b
    error: type[Exception]  # what the driver raises

    def engine(self, source: SqlSource, password: str | None) -> Engine:
        """Return how to connect; nothing is connected yet."""

    def prepare(self, connection: Connection, source: SqlSource) -> None:
        """Make a new connection read only, with time limits and values as this module reads them.

        It is called once, before the first transaction.
        """

    def begin(self, connection: Connection, source: SqlSource) -> None:
        """Start a transaction that can only read."""

    def clock(self, connection: Connection) -> float | None:
        """Return up to which moment what was committed can be seen, in seconds since 1970.

        None for a database without a clock of its own.
        """

    def columns(self, connection: Connection, table: Sequence[str]) -> list[Column]:
        """Return the columns of a table or view; none if it is not there."""

    def tables(self, connection: Connection) -> list[str]:
        """Return what can be read, as `table` of a stream would name it."""

    def text(self, code: Any, values: Sequence[Any]) -> Sequence[str | None]:
        """Return a column's values as the text that a mapping takes; nothing is lost.

        An instant is written in UTC with its Z, a local time without an offset, and what is
        nested as JSON. A byte that no text can hold stands as a surrogate.
        """

    def failure(self, error: BaseException) -> Failure:
        """Return what an error of the driver means."""
