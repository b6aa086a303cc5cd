"""What came since the rollups were made, added up once a commit for all who read it.

Without it every question would read these events anew: while thousands come in a second, that
is most of what a question takes. It lives in memory only and follows from what is stored.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import duckdb
import polars as pl

from analyticspro.warehouse.rollups import Rolled, came

__all__ = ["Tail"]

_MOST_CHUNKS = 32


@dataclass(frozen=True)
class _Chunk:
    """The sums of what came after one revision, up to another."""

    after: int
    up_to: int
    sums: pl.DataFrame


class Tail:
    """The sums of the newest events, chunk by chunk."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._chunks: list[_Chunk] = []
        self._reading = threading.Lock()

    def since(self, connection: duckdb.DuckDBPyConnection, at: Rolled) -> pl.DataFrame | None:
        """Return the sums of what came since the rollups, as `connection` sees it.

        Only what no reader before has read is read. None where that does not lead to this very
        moment: for a reader whose moment is an earlier one than that of others.
        """
        with self._reading:
            known = [each for each in self._chunks if each.up_to > at.up_to]
            if known and known[0].after != at.up_to:
                if known[0].after > at.up_to:
                    return None
                known = []  # rollups were made up to the midst of it
            reached = known[-1].up_to if known else at.up_to
            if reached < at.newest:
                sums = came(connection, self._zone, after=reached)
                known.append(_Chunk(reached, at.newest, sums))
                self._chunks = _merged(known) if len(known) > _MOST_CHUNKS else known
            mine = [each for each in known if each.up_to <= at.newest]
        if not mine or mine[-1].up_to != at.newest:
            return None
        return pl.concat([each.sums for each in mine])


def _merged(chunks: list[_Chunk]) -> list[_Chunk]:
    """Return the older half as one chunk, and the others."""
    old, new = chunks[: _MOST_CHUNKS // 2], chunks[_MOST_CHUNKS // 2 :]
    return [_Chunk(old[0].after, old[-1].up_to, pl.concat([each.sums for each in old])), *new]
