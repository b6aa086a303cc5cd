"""The registry of properties: which the events of each name have, exact at every moment.

As with the rollups, the tables hold what is true as of one revision, and what came since is
added when they are read. No commit writes to them. `catch_up` brings them up to date, some
events at a time, each time in one transaction: a kill at any moment loses work, never truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from analyticspro.warehouse.registry_state import EventName, Property, Seen, keys_of, path_of
from analyticspro.warehouse.registry_walk import Names, walk

__all__ = ["catch_up", "forget", "read", "tail"]

_EVENTS_PER_STEP = 200_000
_BYTES_PER_WALK = 16 << 20
# Hashes are the engine's own, and the limits those of the code.
_FORM = f"1 {duckdb.__version__}"

_STEP = """
    SELECT coalesce(max(revision) FILTER (before < $most), 0) FROM (
        SELECT revision, sum(touched) OVER (ORDER BY revision) - touched AS before FROM (
            SELECT revision, sum(new + changed + retracted) AS touched FROM ledger
            WHERE revision > $up_to AND revision <= $newest GROUP BY ALL))"""
_NEWS = """
    SELECT seq, name, CASE WHEN came THEN (retired IS NULL OR retired > $until)::TINYINT
            ELSE -1 END AS sign, came, occurred_at, revision, properties AS x
    FROM (
        SELECT *, revision > $up_to AS came FROM events
        WHERE (revision > $up_to AND revision <= $until)
            OR (revision <= $up_to AND retired > $up_to AND retired <= $until))
    ORDER BY seq"""


def read(
    connection: duckdb.DuckDBPyConnection, *, most: int = _EVENTS_PER_STEP
) -> tuple[dict[str | None, EventName], int]:
    """Return what is known by event name, and how many changes are not counted in it yet.

    None stands for the names beyond the limit; of their events only the number is known.

    Args:
        connection: What sees one moment of the warehouse.
        most: As long as no more changes wait they are counted in, so that nothing does.
    """
    up_to, newest = _extent(connection)
    names = _load(connection) if up_to else {}
    waiting = tail(connection)
    if waiting > most:
        return names, waiting
    _add(connection, names, up_to, newest)
    return names, 0


def tail(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many versions came, or were retired, since the tables were brought up to date."""
    up_to, _ = _extent(connection)
    found = connection.execute(
        "SELECT coalesce(sum(new + changed + retracted), 0)::BIGINT FROM ledger "
        "WHERE revision > $up_to",
        {"up_to": up_to},
    ).fetchall()
    return int(found[0][0])


def catch_up(
    connection: duckdb.DuckDBPyConnection,
    *,
    events_per_step: int = _EVENTS_PER_STEP,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Bring the tables up to the newest revision, a transaction for every so many events.

    Args:
        connection: No other may do the same meanwhile.
        events_per_step: About how many.
        is_over: Asked before each step; once it is true, what is left stays for later.
    """
    names: Names | None = None
    while not is_over():
        with _transaction(connection):
            up_to, newest = _extent(connection)
            if up_to == newest:
                return
            if names is None:
                names = _load(connection) if up_to else {}
            bound = {"most": events_per_step, "up_to": up_to, "newest": newest}
            [(until,)] = connection.execute(_STEP, bound).fetchall()
            touched = _add(connection, names, up_to, until)
            _store(connection, names, touched, is_first=up_to == 0)
            connection.execute("DELETE FROM registered")
            connection.execute(
                "INSERT INTO registered VALUES ($until, $form)", {"until": until, "form": _FORM}
            )


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Have all be read from the events again: for events that were erased, not retired."""
    for table in ("registered", "registry_names", "registry_properties", "registry_values"):
        connection.execute(f"DELETE FROM {table}")


def _extent(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return as of which revision the tables are, 0 if of none, and the newest there is."""
    [(up_to, newest)] = connection.execute(
        "SELECT (SELECT coalesce(max(up_to), 0) FROM registered WHERE form = $form), "
        "(SELECT coalesce(max(revision), 0) FROM ledger)",
        {"form": _FORM},
    ).fetchall()
    return int(up_to), int(newest)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _add(
    connection: duckdb.DuckDBPyConnection, names: Names, up_to: int, until: int
) -> set[str | None]:
    """Add to `names` what happened after `up_to`; return whom that touched."""
    if up_to == until:
        return set()
    news = connection.sql(_NEWS, params={"up_to": up_to, "until": until})
    touched: set[str | None] = set()
    # Another cursor reads the JSON: this one is at work.
    with connection.cursor() as reading:
        for rows in _parts(news.to_arrow_reader(_EVENTS_PER_STEP)):
            walk(reading, names, rows)
            touched.update(name if name in names else None for name in rows["name"].unique())
    return touched


def _parts(batches: Iterable[Any]) -> Iterator[pl.DataFrame]:
    """Yield rows in parts of about so many bytes: one event may have 100,000 properties."""
    for batch in batches:
        rows = pl.DataFrame(batch)
        size = pl.col("x").str.len_bytes().cast(pl.Int64).cum_sum() // _BYTES_PER_WALK
        yield from rows.with_columns(size.alias("part")).partition_by(
            "part", include_key=False, maintain_order=True
        )


def _load(connection: duckdb.DuckDBPyConnection) -> Names:
    names: Names = {}
    for name, other, *seen in connection.execute("FROM registry_names").fetchall():
        names[name] = EventName(Seen(*seen), other)
    for name, path, kind, *seen in connection.execute("FROM registry_properties").fetchall():
        known = names[name].properties.setdefault(keys_of(path), Property())
        known.kinds[kind] = Seen(*seen)
    for name, path, hashed, value in connection.execute("FROM registry_values").fetchall():
        names[name].properties[keys_of(path)].values[hashed] = value
    return names


def _store(
    connection: duckdb.DuckDBPyConnection,
    names: Names,
    touched: set[str | None],
    *,
    is_first: bool,
) -> None:
    every = list(names if is_first else touched)
    where = "" if is_first else " WHERE list_contains($names, coalesce(name, ''))"
    bound = {} if is_first else {"names": [name or "" for name in every]}
    for table in ("registry_names", "registry_properties", "registry_values"):
        connection.execute(f"DELETE FROM {table}{where}", bound)
    kinds = [
        (name, path_of(keys), kind, *_plain(seen))
        for name in every
        for keys, known in names[name].properties.items()
        for kind, seen in known.kinds.items()
    ]
    values = [
        (name, path_of(keys), hashed, value)
        for name in every
        for keys, known in names[name].properties.items()
        for hashed, value in known.values.items()
    ]
    owns = [(name, names[name].other, *_plain(names[name].seen)) for name in every]
    _insert(connection, "registry_names", owns, {"name": pl.String, "other": pl.Int64, **_SEEN})
    kind_types = {"name": pl.String, "path": pl.String, "kind": pl.String, **_SEEN}
    _insert(connection, "registry_properties", kinds, kind_types)
    value_types = {"name": pl.String, "path": pl.String, "hash": pl.UInt64, "value": pl.String}
    _insert(connection, "registry_values", values, value_types)


_SEEN: dict[str, pl.DataType | type[pl.DataType]] = {
    "events": pl.Int64,
    "first_at": pl.Datetime("us"),
    "last_at": pl.Datetime("us"),
    "first_revision": pl.Int64,
    "last_revision": pl.Int64,
}


def _plain(seen: Seen | None) -> tuple[int, datetime, datetime, int, int]:
    assert seen is not None  # no name is told of before its first event
    return (
        seen.events,
        seen.first_at,
        seen.last_at,
        seen.first_revision,
        seen.last_revision,
    )


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[tuple[object, ...]],
    types: Mapping[str, type[pl.DataType] | pl.DataType],
) -> None:
    if rows:
        connection.register("told", pl.DataFrame(rows, schema=dict(types), orient="row"))
        connection.execute(f"INSERT INTO {table} BY NAME FROM told")
        connection.unregister("told")
