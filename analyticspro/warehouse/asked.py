"""Runs a person's own statement, within limits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import psutil
import pyarrow as pa

from analyticspro.errors import AnalyticsProError, DefinitionError, RetriableError, Stopped
from analyticspro.sql import Limits, check, regenerated
from analyticspro.warehouse.failure import ends_the_connection

__all__ = ["Told", "ask"]

_BATCH = 2048
_LOOK_EVERY_S = 0.05
_HELD = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_date32,
    pa.types.is_time,
    pa.types.is_timestamp,
    pa.types.is_null,
    pa.types.is_dictionary,
)
_TOLD_AS_IT_IS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


@dataclass(frozen=True)
class Told:
    """The answer to a statement.

    Attributes:
        frame: Its rows.
        is_cut: Whether there were more than the limits allow.
        statement: What DuckDB was given.
    """

    frame: pl.DataFrame
    is_cut: bool
    statement: str


def ask(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Mapping[str, Any],
    limits: Limits,
    is_gone: Callable[[], bool],
) -> Told:
    """Return the answer to `text`, which reads the governed views of this cursor.

    Args:
        connection: A cursor of its own, in a transaction that only reads.
        text: The statement.
        values: What its names stand for.
        limits: How much it may take.
        is_gone: Whether whoever asked has gone; asked about 20 times a second.

    Raises:
        DefinitionError: The statement is wrong, or asks for more than the limits allow.
        Forbidden: It may not run.
        Stopped: Whoever asked has gone.
    """
    statement = regenerated(text, values)
    [(tree,)] = connection.execute(
        "SELECT json_serialize_sql($statement)", {"statement": statement}
    ).fetchall()
    check(json.loads(tree))
    watch = _Watch(connection, limits, is_gone)
    try:
        with watch:
            frame, is_cut = _fetched(connection, statement, values, limits)
    except duckdb.Error as error:
        raise watch.reason or _told(error) from None
    except (OverflowError, RuntimeError) as error:  # of a value that is too large to bind
        raise watch.reason or DefinitionError(f"A value cannot be bound: {error}.") from None
    return Told(frame, is_cut, statement)


class _Watch:
    """Interrupts the cursor once a limit is reached, and knows which."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        limits: Limits,
        is_gone: Callable[[], bool],
    ) -> None:
        self.reason: AnalyticsProError | None = None
        self._connection = connection
        self._limits = limits
        self._is_gone = is_gone
        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="sql-watch")

    def __enter__(self) -> None:
        self._before = self._process.memory_info().rss
        self._until = time.monotonic() + self._limits.seconds
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            self.reason = self.reason or self._reached()
            if self.reason is not None:
                self._connection.interrupt()  # again: one before it began would be lost

    def _reached(self) -> AnalyticsProError | None:
        limits = self._limits
        if self._is_gone():
            return Stopped("Stopped: whoever asked for it has gone.")
        if time.monotonic() > self._until:
            return DefinitionError(
                f"The statement took more than {limits.seconds:g} seconds and was ended. Narrow "
                "it down: fewer days, fewer columns, no join without a condition."
            )
        if self._process.memory_info().rss - self._before > limits.memory:
            return _too_much_memory()
        return None


def _fetched(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    values: Mapping[str, Any],
    limits: Limits,
) -> tuple[pl.DataFrame, bool]:
    reader = connection.sql(statement, params=dict(values)).to_arrow_reader(_BATCH)
    for column in reader.schema:
        _see(column.name, column.type)
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    is_cut = False
    for batch in reader:
        room = limits.rows - rows
        is_cut = len(batch) > room or size + batch.nbytes > limits.bytes
        if size + batch.nbytes > limits.bytes:
            room = min(room, max(0, (limits.bytes - size) * len(batch) // batch.nbytes))
        batches.append(batch.slice(0, room))
        rows, size = rows + len(batches[-1]), size + batch.nbytes
        if is_cut:
            break
    table = pa.Table.from_batches(batches, reader.schema)
    found = pl.from_arrow(table.rename_columns(_apart(table.column_names)))
    assert isinstance(found, pl.DataFrame)
    return found, is_cut


def _apart(names: Sequence[str]) -> list[str]:
    """Return the names of columns, those that are there already with a number behind."""
    found: list[str] = []
    for name in names:
        tries = (name, *(f"{name}_{number}" for number in range(1, len(names) + 1)))
        found.append(next(each for each in tries if each not in found))
    return found


def _see(column: str, kind: pa.DataType) -> None:
    """Raise if a frame cannot hold what a column is."""
    for number in range(kind.num_fields):
        _see(column, kind.field(number).type)
    if kind.num_fields or any(knows(kind) for knows in _HELD):
        return
    raise DefinitionError(
        f"The column {column!r} is of a type that a frame cannot hold ({kind}). Cast it: "
        "CAST(… AS VARCHAR)."
    )


def _told(error: duckdb.Error) -> AnalyticsProError:
    """Return what may be told of DuckDB's error: no value of a row, no path."""
    if ends_the_connection(error):
        raise error  # the warehouse has to be opened again: its room knows how
    if isinstance(error, duckdb.OutOfMemoryException):
        return _too_much_memory()
    if isinstance(error, _TOLD_AS_IT_IS):
        first = str(error).splitlines()[0].replace("temp.main.governed_", "")
        return DefinitionError(f"The statement cannot be run: {first.replace('governed_', '')}")
    if isinstance(error, duckdb.ConversionException):
        return DefinitionError(
            "A value cannot be converted to the type asked for. try_cast(… AS …) gives null there."
        )
    if isinstance(error, duckdb.InterruptException):
        return RetriableError("The statement was interrupted. Try again.")
    kind = type(error).__name__.removesuffix("Exception")
    return DefinitionError(
        f"The statement failed at a value ({kind}). What was wrong with it is not told here, as "
        "that would show data."
    )


def _too_much_memory() -> DefinitionError:
    return DefinitionError(
        "The statement needs too much memory and was ended. Narrow it down: fewer rows to sort "
        "or to group by, no lists of everything, no join without a condition."
    )
