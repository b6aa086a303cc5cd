"""The statements that read one table or query: made by SQLAlchemy, which quotes every name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.types import NullType

from analyticspro.connectors.sql_database import Column
from analyticspro.connectors.sql_place import Mark
from analyticspro.connectors.sql_source import SqlStream

__all__ = ["Relation", "everything"]


def everything(stream: SqlStream) -> Select[Any]:
    """Return a statement that gives all columns of the stream, and no row."""
    return select(literal_column("*")).select_from(_origin(stream, ())).limit(0)


def _origin(stream: SqlStream, names: Sequence[str]) -> FromClause:
    columns: list[ColumnClause[Any]] = [column(name) for name in names]
    if stream.query is None:
        *schema, name = stream.table
        return table(name, *columns, schema=schema[0] if schema else None)
    # A colon before a name would be taken for a value to bind; a comment at the end would
    # hide what follows.
    query = re.sub(r"(?<![:\w$]):(?=[\w$])", r"\\:", stream.query)
    return text(f"{query}\n").columns(*columns).subquery("source")


@dataclass(frozen=True)
class Relation:
    """What one stream reads.

    Attributes:
        columns: Those to read, and no others.
        compares_rows: As of `Database`.
    """

    stream: SqlStream
    columns: tuple[Column, ...]
    compares_rows: bool

    @property
    def names(self) -> list[str]:
        """The columns to read."""
        return [one.name for one in self.columns]

    @property
    def identity(self) -> str:
        """What a place in it is a place in."""
        codes = {one.name: one.code for one in self.columns}
        what = [self.stream.table, self.stream.query, self.stream.is_whole]
        order = [(name, str(codes[name])) for name in self.stream.order]
        return blake2b(repr([*what, order]).encode(), digest_size=8).hexdigest()

    @cached_property
    def _origin(self) -> FromClause:
        return _origin(self.stream, self.names)

    @cached_property
    def _order(self) -> list[ColumnElement[Any]]:
        return [self._origin.c[name] for name in self.stream.order]

    @cached_property
    def _nullable(self) -> set[str]:
        return {one.name for one in self.columns if one.is_nullable}

    def page(
        self,
        after: Mark | None,
        limit: int,
        end: Mark | None = None,
        span: tuple[Any, Any] | None = None,
    ) -> Select[Any]:
        """Return the statement for at most `limit` rows behind `after`, in their order.

        Args:
            after: Exclusive; None for the start.
            limit: How many.
            end: Inclusive; None for the end.
            span: Within what the first column of the order must lie: from the first,
                inclusive, to the second, exclusive.
        """
        wanted: list[ColumnElement[bool]] = [
            one.is_not(None) for one in self._order if one.name in self._nullable
        ]
        if after is not None:
            wanted.append(self._behind(after))
        if end is not None:
            wanted.append(not_(self._behind(end)))
        if span is not None:
            first = self._order[0]
            wanted += [first >= _bound(span[0]), first < _bound(span[1])]
        return self._select(*wanted).order_by(*self._order).limit(limit)

    def count(self) -> Select[Any]:
        """Return the statement that counts all rows."""
        return select(func.count()).select_from(self._origin)

    def without_place(self, after: Mark | None, limit: int) -> Iterator[Select[Any]]:
        """Yield statements for rows that have no place in the order, as a part of it is empty.

        Those that lack the first part are all read again each time; of the others, those
        behind `after`.
        """
        first, *others = self._order
        if first.name in self._nullable:
            yield self._select(first.is_(None)).limit(limit)
        empty = [one.is_(None) for one in others if one.name in self._nullable]
        if empty:
            start = [] if after is None else [first >= _bound(after[0])]
            yield self._select(*start, first.is_not(None), or_(*empty)).limit(limit)

    def _select(self, *wanted: ColumnElement[bool]) -> Select[Any]:
        return select(*self._origin.c).where(*wanted)

    def _behind(self, mark: Mark) -> ColumnElement[bool]:
        order, values = self._order, [_bound(value) for value in mark]
        if len(order) == 1:
            return order[0] > values[0]
        if self.compares_rows:
            return tuple_(*order) > tuple_(*values)
        ways = []
        for depth, (one, value) in enumerate(zip(order, values, strict=True)):
            same = [o == v for o, v in zip(order[:depth], values[:depth], strict=True)]
            ways.append(and_(*same, one > value))
        # The first condition is implied by the others; it is what leads into an index.
        return and_(order[0] >= values[0], or_(*ways))


def _bound(value: object) -> ColumnElement[Any]:
    # Without a type, so that the database takes a text for what its column is.
    return bindparam(None, value, type_=NullType(), unique=True)
