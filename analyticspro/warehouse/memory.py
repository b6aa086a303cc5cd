"""What the writer knows of the file without asking it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import duckdb
import numpy as np

from analyticspro.warehouse.known_ids import Ids, KnownIds, Unsigned

__all__ = ["Memory", "buried", "next_note", "plain"]

_IDS_PER_READ = 1 << 22
next_note = partial(next, itertools.count(1))


@dataclass
class Memory:
    """What the writer knows of the file without asking it.

    Attributes:
        known: All ids.
        next_seq: Number of the next version.
        revision: Of the last commit.
        committed_at: Its time.
        since_compacted: Events written since the rollups were brought up to date.
        is_sound: False once a commit may be in the file that is not in here.
        noted: Another number after each note about a source: notes have no revision.
    """

    known: KnownIds
    next_seq: int
    revision: int
    committed_at: datetime
    since_compacted: int
    is_sound: bool = True
    noted: int = field(default_factory=next_note)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> Memory:
        """Return what the file holds."""
        [(last, revision, committed_at)] = connection.execute(
            "SELECT greatest((SELECT coalesce(max(seq), 0) FROM hot), "
            "(SELECT coalesce(max(last_seq), 0) FROM archive), "
            "(SELECT coalesce(max(last_seq), 0) FROM expired)), "
            "(SELECT coalesce(max(revision), 0) FROM ledger), "
            "(SELECT coalesce(max(committed_at), TIMESTAMP '1970-01-01') FROM ledger)"
        ).fetchall()
        known = KnownIds()
        for first in range(1, last + 1, _IDS_PER_READ):
            columns = connection.execute(
                "SELECT id_high, id_low, seq, content_hash FROM events "
                "WHERE seq >= $first AND seq < $end ORDER BY seq",
                {"first": first, "end": first + _IDS_PER_READ},
            ).fetchnumpy()
            known.add(Ids(*(np.ascontiguousarray(column) for column in columns.values())))
        gone = connection.execute("FROM tombstones").fetchnumpy()
        known.add(buried(gone["id_high"], gone["id_low"]))
        [(tail,)] = connection.execute(
            "SELECT count(*) FROM events "
            "WHERE revision > (SELECT coalesce(max(up_to), 0) FROM rolled)"
        ).fetchall()
        return cls(known, last + 1, revision, committed_at, tail)


def buried(high: Unsigned, low: Unsigned) -> Ids:
    """Return the ids of what was erased: known, and standing for nothing."""
    return Ids(high, low, np.full(len(high), -1, np.int64), np.zeros(len(high), np.uint64))


def plain(at: datetime) -> datetime:
    """Return `at` as the naive UTC time that the tables hold."""
    return at.astimezone(UTC).replace(tzinfo=None)
