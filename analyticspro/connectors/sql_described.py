"""Asks a database what a stream's table or query has, before any row is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from analyticspro.connectors.sql_database import Column
from analyticspro.connectors.sql_relation import Relation, everything
from analyticspro.connectors.sql_rows import sources_of
from analyticspro.connectors.sql_session import Session
from analyticspro.connectors.sql_source import SqlStream
from analyticspro.errors import SourceError, UnknownName

__all__ = ["described"]


def described(session: Session, stream: SqlStream, place: str) -> Relation:
    """Return what `stream` reads, with the types of its columns.

    Args:
        session: To ask.
        stream: What is declared.
        place: The stream, for errors.

    Raises:
        SourceError: There is no such table, or it lacks a column.
    """
    there = _of_table(session, stream, place) if stream.table else _of_query(session, stream, place)
    names = [column.name for column in there]
    fields = sources_of(stream.columns(), names, place)
    for name in stream.order:
        if fields[name] != name:
            raise SourceError(
                f"{place}: {name} is within the JSON of {fields[name]}, and rows cannot be "
                "sorted by it. Let a query give it as a column of its own."
            )
    wanted = set(fields.values())
    columns = tuple(column for column in there if column.name in wanted)
    unsorted = [one.name for one in columns if one.name in stream.order and not one.is_sorted]
    if unsorted:
        raise SourceError(
            f"{place}: {unsorted[0]} is an enum, which is sorted by another order than it is "
            f"compared by. Let a query give CAST({unsorted[0]} AS CHAR) instead."
        )
    relation = Relation(stream, columns, session.database.compares_rows)
    codes = dict(session.fetch(relation.page(None, 0), place).columns)
    return replace(relation, columns=tuple(replace(c, code=codes[c.name]) for c in columns))


def _of_table(session: Session, stream: SqlStream, place: str) -> list[Column]:
    with session.transaction(place) as connection:
        columns = session.database.columns(connection, stream.table)
        tables = [] if columns else session.database.tables(connection)
    if not columns:
        name = ".".join(stream.table)
        raise SourceError(f"{place}: {UnknownName.of('table', name, tables)}")
    return columns


def _of_query(session: Session, stream: SqlStream, place: str) -> list[Column]:
    names = [name for name, _ in session.fetch(everything(stream), place).columns]
    for name, times in Counter(names).items():
        if times > 1:
            raise SourceError(
                f"{place}: query gives {times} columns called {name!r}. Call them apart with AS."
            )
    return [Column(name) for name in names]
