"""Makes events ready for the table, before anybody has to wait for the writer."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from analyticspro.events import SCHEMA, WriteMode
from analyticspro.warehouse.known_ids import Signed, Unsigned
from analyticspro.warehouse.schema import HIGH, LOW, PROMOTED

__all__ = ["PROMOTED_TYPES", "Prepared", "prepare", "ranks"]

PROMOTED_TYPES = "{" + ", ".join(f'"{name}": "{kind}"' for name, kind in PROMOTED.items()) + "}"
# Up to so many rows the planning of a statement takes longer than hashing them here.
_FEW = 2_000
# So often the same properties must come on average for it to be worth telling them apart.
_OFTEN = 4


@dataclass(frozen=True)
class Prepared:
    """Events with their hashes.

    Attributes:
        rows: The columns of `events.SCHEMA`, id_high, id_low, content_hash (UInt64), and the
            promoted properties unless they are few: then whoever inserts them takes them out.
        mode: How they are to be written.
        leader: For each row the one that stands for its id: itself, unless the id comes again.
    """

    rows: pl.DataFrame
    mode: WriteMode
    leader: npt.NDArray[np.intp]

    @property
    def is_promoted(self) -> bool:
        """Whether the promoted properties are columns."""
        return self.rows.width > _WIDTH

    def numbers(self, column: str) -> Unsigned:
        """Return one of the hashes."""
        return self.rows[column].to_numpy()

    def whole(self, chosen: npt.NDArray[np.bool_]) -> Unsigned:
        """Return the hash of all that each chosen row says, as modes but APPEND have it."""
        return _md5(self.rows.filter(pl.Series(chosen)).select(_PAYLOAD).to_series())[::2]


def prepare(
    connection: duckdb.DuckDBPyConnection, source: str, events: pl.DataFrame, mode: WriteMode
) -> Prepared:
    """Return `events` (rows of `events.SCHEMA`) of a source ready to be stored.

    What a source appends is the same if it came the same: a record that is sent again may
    carry another time of sending. Elsewhere what was made of it counts too, so that a
    corrected mapping makes new versions.
    """
    payload = _PAYLOAD
    if mode is WriteMode.APPEND:
        payload = pl.coalesce("raw", payload)
    texts = events.select(
        pl.concat_str(pl.lit(source), "event_id", separator=_BETWEEN).alias("identity"),
        payload.alias("payload"),
    )
    if events.height <= _FEW:
        found = _hashed(texts)
    else:
        properties = events["properties"]
        if len(properties.unique()) * _OFTEN > len(properties):
            found = _hashed_and_promoted(connection, texts.with_columns(properties))
        else:
            found = _hashed_by_duckdb(connection, texts).hstack(_promoted(connection, properties))
    rows = events.with_columns(pl.col("occurred_at").dt.replace_time_zone(None))
    rows = rows.hstack(found)
    return Prepared(rows, mode, _leaders(rows, mode))


def _hashed(texts: pl.DataFrame) -> pl.DataFrame:
    identity, payload = _md5(texts["identity"]), _md5(texts["payload"])
    return pl.DataFrame(
        {"id_high": identity[1::2], "id_low": identity[::2], "content_hash": payload[::2]}
    )


def _md5(texts: pl.Series) -> Unsigned:
    """Return the lower and the upper half of each text's hash, in turns."""
    digests = [md5(text.encode(), usedforsecurity=False).digest() for text in texts.to_list()]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _hashed_by_duckdb(connection: duckdb.DuckDBPyConnection, texts: pl.DataFrame) -> pl.DataFrame:
    return _asked(connection, texts, f"SELECT {_HASHES} FROM (SELECT {_NUMBERS} FROM incoming)")


def _promoted(connection: duckdb.DuckDBPyConnection, properties: pl.Series) -> pl.DataFrame:
    """Return the promoted properties, each JSON text read once however often it comes."""
    told = _asked(
        connection,
        properties.unique().to_frame(),
        "SELECT properties, unnest(TRY(from_json(properties, $types))) FROM incoming",
    )
    return (
        properties.to_frame()
        .join(told, on="properties", how="left", maintain_order="left")
        .drop("properties")
    )


def _hashed_and_promoted(
    connection: duckdb.DuckDBPyConnection, texts: pl.DataFrame
) -> pl.DataFrame:
    return _asked(
        connection,
        texts,
        f"""
        SELECT {_HASHES}, unnest(promoted)
        FROM (SELECT {_NUMBERS}, TRY(from_json(properties, $types)) AS promoted FROM incoming)
        """,
    )


def _asked(connection: duckdb.DuckDBPyConnection, given: pl.DataFrame, sql: str) -> pl.DataFrame:
    values = {"types": PROMOTED_TYPES} if "$types" in sql else {}
    connection.register("incoming", given)
    try:
        table = connection.sql(sql, params=values).to_arrow_table()
    finally:
        connection.unregister("incoming")
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found


_NUMBERS = "md5_number(identity) AS identity, md5_number(payload) AS payload"
_HASHES = (
    f"{HIGH.format('identity')} AS id_high, {LOW.format('identity')} AS id_low, "
    f"{LOW.format('payload')} AS content_hash"
)
# All that an event says, as one text; the same as `schema.PAYLOAD`.
_BETWEEN, _NOTHING = chr(31), pl.lit(chr(30))
_PAYLOAD = pl.concat_str(
    "name",
    pl.col("occurred_at").dt.epoch("us"),
    *(
        pl.col(name).cast(pl.String).fill_null(_NOTHING)
        for name in ("customer_id", "user_id", "session_id", "amount_minor", "currency")
    ),
    "properties",
    pl.col("raw").fill_null(_NOTHING),
    separator=_BETWEEN,
)
_WIDTH = len(SCHEMA) + 3
# Polars imports numpy once it first meets an array, and two threads at once break that.
pl.DataFrame({"any": np.zeros(0)})


def ranks(versions: pl.Series) -> Signed:
    """Return `versions` as numbers to compare: none at all is lower than any."""
    return versions.fill_null(np.iinfo(np.int64).min).to_numpy()


def _leaders(events: pl.DataFrame, mode: WriteMode) -> npt.NDArray[np.intp]:
    """Return for each row the one that stands for its id: itself, unless the id comes again.

    That is the first one of what is appended, the highest version of what is merged (the
    first of equals), the last one of what is replaced.
    """
    high, low = events["id_high"].to_numpy(), events["id_low"].to_numpy()
    rows = np.arange(len(high))
    order = np.argsort(high, kind="stable")
    if not np.any(high[order][1:] == high[order][:-1]):
        return rows
    precedence = rows
    if mode is WriteMode.REPLACE:
        precedence = -rows
    elif mode is WriteMode.MERGE:
        order = np.lexsort((-rows, ranks(events["version"])))[::-1]
        precedence = np.empty_like(rows)
        precedence[order] = rows
    order = np.lexsort((precedence, low, high))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    leader = np.empty_like(rows)
    leader[order] = order[np.flatnonzero(is_first)][np.cumsum(is_first) - 1]
    return leader
