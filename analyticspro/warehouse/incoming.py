"""Makes events ready for the table, before anybody has to wait for the writer."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.warehouse.known_ids import Unsigned
from analyticspro.warehouse.schema import HIGH, ID, LOW, PAYLOAD, PROMOTED

__all__ = ["Prepared", "leaders", "prepare"]

_TYPES = "{" + ", ".join(f'"{name}": "{kind}"' for name, kind in PROMOTED.items()) + "}"


@dataclass(frozen=True)
class Prepared:
    """Events with their hashes and promoted properties.

    Attributes:
        rows: The columns of `events.SCHEMA`, and id_high, id_low, content_hash (UInt64), and
            the promoted ones.
        mode: How they are to be written.
    """

    rows: pl.DataFrame
    mode: WriteMode

    def numbers(self, column: str) -> Unsigned:
        """Return one of the hashes."""
        return self.rows[column].to_numpy()


def prepare(
    connection: duckdb.DuckDBPyConnection, source: str, events: pl.DataFrame, mode: WriteMode
) -> Prepared:
    """Return `events` (rows of `events.SCHEMA`) of a source ready to be stored.

    What a source appends is the same if it came the same: a record that is sent again may
    carry another time of sending. Elsewhere what was made of it counts too, so that a
    corrected mapping makes new versions.
    """
    payload = f"coalesce(raw, {PAYLOAD})" if mode is WriteMode.APPEND else PAYLOAD
    connection.register("incoming", events)
    try:
        table = connection.sql(
            f"""
            SELECT * EXCLUDE (promoted, hash, payload), unnest(promoted),
                {HIGH.format("hash")} AS id_high, {LOW.format("hash")} AS id_low,
                {LOW.format("payload")} AS content_hash
            FROM (
                SELECT * REPLACE (occurred_at::TIMESTAMP AS occurred_at),
                    {ID.format("$source")} AS hash, md5_number({payload}) AS payload,
                    from_json(properties, $types) AS promoted
                FROM incoming)
            """,
            params={"types": _TYPES, "source": source},
        ).to_arrow_table()
    finally:
        connection.unregister("incoming")
    rows = pl.from_arrow(table)
    assert isinstance(rows, pl.DataFrame)
    return Prepared(rows, mode)


def leaders(prepared: Prepared) -> npt.NDArray[np.intp]:
    """Return for each row the one that stands for its id: itself, unless the id comes again.

    That is the first one of what is appended, the highest version of what is merged (the
    first of equals), the last one of what is replaced.
    """
    high, low = prepared.numbers("id_high"), prepared.numbers("id_low")
    rows = np.arange(len(high))
    order = np.argsort(high, kind="stable")
    if not np.any(high[order][1:] == high[order][:-1]):
        return rows
    precedence = rows
    if prepared.mode is WriteMode.REPLACE:
        precedence = -rows
    elif prepared.mode is WriteMode.MERGE:
        lowest = np.iinfo(np.int64).min
        version = prepared.rows["version"].fill_null(lowest).to_numpy()
        order = np.lexsort((-rows, version))[::-1]
        precedence = np.empty_like(rows)
        precedence[order] = rows
    order = np.lexsort((precedence, low, high))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    leader = np.empty_like(rows)
    leader[order] = order[np.flatnonzero(is_first)][np.cumsum(is_first) - 1]
    return leader
