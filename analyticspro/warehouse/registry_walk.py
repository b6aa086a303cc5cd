"""Reads what properties some events have, level by level, into the registry's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb
import polars as pl

from analyticspro.warehouse.registry_state import (
    DEEPEST,
    LONGEST_EXAMPLE,
    MOST_NAMES,
    MOST_PER_LEVEL,
    MOST_VALUES,
    EventName,
    Property,
    Seen,
)

__all__ = ["Names", "walk"]

Names: TypeAlias = dict[str | None, EventName]
_Keys: TypeAlias = tuple[str, ...]
_LONGEST_KEY = 100

_SHAPES = """
    SELECT json_keys(x) AS keys, min(seq) FILTER (came) AS first, sum(sign)::BIGINT AS events
    FROM seen GROUP BY keys"""
# One row for each value: which of the keys it is of, and what it is.
_VALUES = """(
    SELECT seq, sign, came, occurred_at, revision, i, value,
        CASE left(value, 1) WHEN '"' THEN 'text' WHEN '{' THEN 'object' WHEN '[' THEN 'array'
            WHEN 't' THEN 'boolean' WHEN 'f' THEN 'boolean' WHEN 'n' THEN 'null'
            ELSE CASE WHEN regexp_matches(value, '[.eE]') THEN 'number' ELSE 'integer' END
        END AS kind
    FROM (
        SELECT seq, sign, came, occurred_at, revision, unnest(found) AS value,
            unnest(range(len(found))) AS i
        FROM (SELECT *, json_extract(x, $pointers)::VARCHAR[] AS found FROM seen))
    WHERE value IS NOT NULL)"""
_SEEN = """sum(sign)::BIGINT, min(occurred_at) FILTER (came), max(occurred_at) FILTER (came),
    min(revision) FILTER (came), max(revision) FILTER (came)"""
_KINDS = f"SELECT i, kind, {_SEEN} FROM {_VALUES} GROUP BY ALL"
_DISTINCT = f"""
    SELECT i, hash(value) AS hash,
        min(CASE WHEN length(value) <= {LONGEST_EXAMPLE} THEN value END) AS value
    FROM {_VALUES}
    WHERE came AND kind NOT IN ('object', 'null')
        AND hash(value) <= ($limits::UBIGINT[])[i + 1]
    GROUP BY i, hash
    QUALIFY row_number() OVER (PARTITION BY i ORDER BY hash) <= {MOST_VALUES}"""
_OBJECTS = f"""
    SELECT i, seq, sign, came, occurred_at, revision, value AS x FROM {_VALUES}
    WHERE kind = 'object'"""


@dataclass(frozen=True)
class _Shape:
    """Objects that have the same keys."""

    parent: _Keys
    keys: Sequence[str]
    first: int | None
    events: int


def walk(connection: duckdb.DuckDBPyConnection, names: Names, rows: pl.DataFrame) -> None:
    """Add to `names` what `rows` have.

    Args:
        connection: What reads JSON; none of its tables are touched.
        names: What is known so far, by event name; beyond the limit, under None.
        rows: In the order of seq: seq, name, sign (1: is there now, 0: came and is gone
            again, -1: came before and is gone), came (whether it came just now),
            occurred_at, revision, x (the properties).
    """
    for (name,), own in rows.partition_by("name", as_dict=True, maintain_order=True).items():
        came = own.filter("came")
        known = name if name in names else None
        if known is None and came.height and len(names) - (None in names) < MOST_NAMES:
            known = name
        event = names.setdefault(known, EventName())
        at, revision = came["occurred_at"], came["revision"]
        _add(event, int(own["sign"].sum()), (at.min(), at.max(), revision.min(), revision.max()))
        if known is not None:
            _Walk(connection, event).run(own.drop("name"))


def _add(event: EventName, events: int, when: Sequence[Any]) -> None:
    seen = _seen(events, when)
    if seen is not None:
        event.add(seen)
    elif event.seen is not None:
        event.seen.events += events


def _seen(events: int, when: Sequence[Any]) -> Seen | None:
    """Return what was seen; None if nothing came."""
    first_at, last_at, first_revision, last_revision = when
    return Seen(events, first_at, last_at, first_revision, last_revision) if first_at else None


class _Walk:
    """The walk through the properties of one event name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, event: EventName) -> None:
        self._connection = connection
        self._event = event

    def run(self, rows: pl.DataFrame) -> None:
        level: dict[_Keys, pl.DataFrame] = {(): rows}
        for depth in range(1, DEEPEST + 1):
            shapes = {parent: self._shapes(parent, own) for parent, own in level.items()}
            self._admit(depth, [shape for found in shapes.values() for shape in found])
            below: dict[_Keys, pl.DataFrame] = {}
            for parent, own in level.items():
                keys = self._keys(parent, shapes[parent])
                if keys:
                    below |= self._read(keys, own, is_last=depth == DEEPEST)
            if not below:
                return
            level = below

    def _shapes(self, parent: _Keys, rows: pl.DataFrame) -> list[_Shape]:
        found = self._fetch(_SHAPES, rows)
        # The same key may come twice in one object; its first value holds.
        return [_Shape(parent, list(dict.fromkeys(keys)), *more) for keys, *more in found]

    def _admit(self, depth: int, shapes: Sequence[_Shape]) -> None:
        """Take in new properties in the order of their coming, as long as there is room."""
        properties = self._event.properties
        room = MOST_PER_LEVEL - sum(len(keys) == depth for keys in properties)
        came = [(shape.first, shape) for shape in shapes if shape.first is not None]
        for _, shape in sorted(came, key=lambda pair: (pair[0], pair[1].parent)):
            if room <= 0:
                return
            for key in shape.keys:
                keys = (*shape.parent, key)
                if room > 0 and keys not in properties and _can_be_told(key):
                    properties[keys] = Property()
                    room -= 1

    def _keys(self, parent: _Keys, shapes: Sequence[_Shape]) -> list[_Keys]:
        """Return the properties to read; count those that there was no room for."""
        properties, found = self._event.properties, dict[_Keys, None]()
        for shape in shapes:
            for key in shape.keys:
                keys = (*parent, key)
                if keys in properties:
                    found[keys] = None
                else:
                    self._event.other += shape.events
        return list(found)

    def _read(
        self, keys: Sequence[_Keys], rows: pl.DataFrame, *, is_last: bool
    ) -> dict[_Keys, pl.DataFrame]:
        """Take in the values of `keys`; return the objects among them."""
        properties = [self._event.properties[each] for each in keys]
        pointers = [f"/{each[-1].replace('~', '~0').replace('/', '~1')}" for each in keys]
        objects: set[int] = set()
        for i, kind, events, *when in self._fetch(_KINDS, rows, pointers=pointers):
            if kind == "object":
                objects.add(i)
            seen, known = _seen(events, when), properties[i].kinds.get(kind)
            if known is not None and seen is not None:
                known.add(seen)
            elif known is not None:
                known.events += events
            elif seen is not None:
                properties[i].kinds[kind] = seen
        limits = [known.limit() for known in properties]
        values: list[dict[int, str | None]] = [{} for _ in keys]
        for i, hashed, value in self._fetch(_DISTINCT, rows, pointers=pointers, limits=limits):
            values[i][hashed] = value
        for known, found in zip(properties, values, strict=True):
            known.keep(found)
        if is_last or not objects:
            return {}
        chosen = sorted(objects)
        below = self._frame(_OBJECTS, rows, pointers=[pointers[i] for i in chosen])
        parts = below.partition_by("i", as_dict=True, include_key=False)
        return {keys[chosen[at]]: part for (at,), part in parts.items()}

    def _fetch(self, sql: str, rows: pl.DataFrame, **values: object) -> list[tuple[Any, ...]]:
        return self._ask(sql, rows, values).fetchall()

    def _frame(self, sql: str, rows: pl.DataFrame, **values: object) -> pl.DataFrame:
        found = pl.from_arrow(self._ask(sql, rows, values).to_arrow_table())
        assert isinstance(found, pl.DataFrame)
        return found

    def _ask(
        self, sql: str, rows: pl.DataFrame, values: dict[str, object]
    ) -> duckdb.DuckDBPyRelation:
        self._connection.register("seen", rows)
        return self._connection.sql(sql, params=values)


def _can_be_told(key: str) -> bool:
    return len(key) <= _LONGEST_KEY and key.isprintable()
