"""What came since the rollups were made, added up once a commit for all who read it.

Without it every question would read these events anew: while thousands come in a second, that
is most of what a question takes. It lives in memory only and follows from what is stored.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import duckdb
import polars as pl

from analyticspro.warehouse.rolled import Rolled
from analyticspro.warehouse.rollups import came

__all__ = ["Tail"]

_MOST_CHUNKS = 32


@dataclass(frozen=True)
class _Chunk:
    """What came after one revision, up to another."""

    after: int
    up_to: int
    rows: pl.DataFrame


class Tail:
    """What came since, by what is told of it (the keys of `TAILS`), chunk by chunk."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._chunks: dict[str, list[_Chunk]] = {}
        self._reading = threading.Lock()

    def since(self, connection: duckdb.DuckDBPyConnection, at: Rolled, of: str) -> pl.DataFrame:
        """Return what came since the rollups, as `connection` sees it.

        Only what no reader before has read is read; all of it by a reader whose moment is an
        earlier one than that of others.
        """
        with self._reading:
            found = self._chunks_since(connection, at, of)
        if found is None:
            return came(connection, self._zone, of, after=at.up_to)
        return pl.concat([each.rows for each in found])

    def _chunks_since(
        self, connection: duckdb.DuckDBPyConnection, at: Rolled, of: str
    ) -> list[_Chunk] | None:
        known = [each for each in self._chunks.get(of, ()) if each.up_to > at.up_to]
        if known and known[0].after > at.up_to:
            return None
        if known and known[0].after < at.up_to:
            known = []  # rollups were made up to the midst of it
        reached = known[-1].up_to if known else at.up_to
        if reached < at.newest:
            rows = came(connection, self._zone, of, after=reached)
            known.append(_Chunk(reached, at.newest, rows))
            self._chunks[of] = _merged(known) if len(known) > _MOST_CHUNKS else known
        mine = [each for each in known if each.up_to <= at.newest]
        return mine if mine and mine[-1].up_to == at.newest else None


def _merged(chunks: list[_Chunk]) -> list[_Chunk]:
    """Return the older half as one chunk, and the others."""
    old, new = chunks[: _MOST_CHUNKS // 2], chunks[_MOST_CHUNKS // 2 :]
    return [_Chunk(old[0].after, old[-1].up_to, pl.concat([each.rows for each in old])), *new]
