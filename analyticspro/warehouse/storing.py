"""Decides what becomes of incoming events: new, a new version, a duplicate or a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.warehouse.incoming import Prepared, ranks
from analyticspro.warehouse.known_ids import Ids, Signed, Unsigned

__all__ = ["Decided", "Outcome", "Outcomes", "Stored", "decide"]

Outcomes: TypeAlias = npt.NDArray[np.int8]


class Outcome(IntEnum):
    """What became of one event. Source: semantics.md, Identity, versions, lateness."""

    NEW = 0
    CHANGED = 1  # a new version, which supersedes the one that was there
    DUPLICATE = 2  # was there just so, or in a newer version
    CONFLICT = 3  # a duplicate by its id, with another payload; the first copy stands


@dataclass(frozen=True)
class Stored:
    """What became of a batch of events.

    Attributes:
        new: Events that were not there.
        changed: New versions of events that were there.
        unchanged: Duplicates, conflicts among them.
        conflicts: Duplicates whose payload differs from that of the first copy.
        late: New events older than their source's watermark.
        outcomes: One `Outcome` for each event, in their order.
        seqs: The number of the version that stands for each event's id now.
    """

    new: int
    changed: int
    unchanged: int
    conflicts: int
    late: int
    outcomes: Outcomes
    seqs: Signed


@dataclass(frozen=True)
class Decided:
    """What is to be done with each of the incoming rows.

    Attributes:
        outcomes: One for each row.
        seqs: The number that the row's id stands under from now on.
        added: Positions of the rows to add, in their order.
        retired: Numbers of the versions that these supersede.
        moved: Numbers of versions that another part of the source holds from now on.
        was_late: For each row to add, whether the version it supersedes was late; null for
            a new event.
    """

    outcomes: Outcomes
    seqs: Signed
    added: npt.NDArray[np.intp]
    retired: Signed
    moved: Signed
    was_late: pl.Series

    def ids(self, prepared: Prepared) -> Ids:
        """Return the ids of the rows to add."""
        high, low, content = (
            prepared.numbers(name)[self.added] for name in ("id_high", "id_low", "content_hash")
        )
        return Ids(high, low, self.seqs[self.added], content)


def decide(
    prepared: Prepared,
    known: tuple[Signed, Unsigned],
    versions: pl.DataFrame,
    *,
    part: str,
    next_seq: int,
) -> Decided:
    """Return what is to be done with the rows of `prepared`.

    Args:
        prepared: The rows.
        known: For each row the number of the newest version of its id (0 if there is none,
            below 0 if it was erased), and the hash of its payload.
        versions: What is stored under these numbers: seq, is_live, is_late, part, version.
            Not needed for what is appended.
        part: The part that they come in.
        next_seq: The number of the first row to add.
    """
    seqs, content = known[0].copy(), known[1]
    leader = prepared.leader
    is_leader = leader == np.arange(len(leader))
    if prepared.mode is WriteMode.APPEND:
        outcomes = _appended(prepared, known)
        added = np.flatnonzero(outcomes == Outcome.NEW)
        seqs[added] = next_seq + np.arange(len(added))
        new = pl.repeat(None, len(added), dtype=pl.Boolean, eager=True).alias("was_late")
        return Decided(outcomes, seqs[leader], added, seqs[:0], seqs[:0], new)
    stored = pl.DataFrame({"seq": seqs}).join(versions, on="seq", how="left", maintain_order="left")
    outcomes = np.full(len(seqs), Outcome.DUPLICATE, np.int8)
    is_live = stored["is_live"].fill_null(value=False).to_numpy()
    if prepared.mode is WriteMode.MERGE:
        supersedes = ranks(prepared.rows["version"]) > ranks(stored["version"])
    else:
        supersedes = content != prepared.numbers("content_hash")
    outcomes[is_leader & (seqs >= 0) & ~is_live] = Outcome.NEW
    outcomes[is_leader & is_live & supersedes] = Outcome.CHANGED
    added = np.flatnonzero(outcomes <= Outcome.CHANGED)
    is_changed = outcomes == Outcome.CHANGED
    is_moved = is_leader & (outcomes == Outcome.DUPLICATE) & (seqs > 0)
    is_moved &= (stored["part"] != part).fill_null(value=False).to_numpy()
    moved = seqs[is_moved] if prepared.mode is WriteMode.REPLACE else seqs[:0]
    retired = seqs[is_changed]
    was_late = pl.select(pl.when(pl.lit(is_changed)).then(stored["is_late"]).alias("was_late"))[
        "was_late"
    ]
    seqs[added] = next_seq + np.arange(len(added))
    return Decided(outcomes, seqs[leader], added, retired, moved, was_late.gather(added))


def _appended(prepared: Prepared, known: tuple[Signed, Unsigned]) -> Outcomes:
    """Return what becomes of appended rows: the first copy of an id stands, whatever follows."""
    seqs, content = known
    leader = prepared.leader
    payload = prepared.numbers("content_hash")
    is_there = seqs != 0
    outcomes = np.where(is_there, Outcome.DUPLICATE, Outcome.NEW).astype(np.int8)
    # Of what was erased nothing is left to compare with.
    differs = (seqs > 0) & (content != payload)
    if differs.any():
        # The copy may have come while the stream was written in another mode.
        differs[differs] = content[differs] != prepared.whole(differs)
        outcomes[differs] = Outcome.CONFLICT
    repeats = (leader != np.arange(len(leader))) & ~is_there
    outcomes[repeats] = np.where(
        payload[repeats] == payload[leader[repeats]], Outcome.DUPLICATE, Outcome.CONFLICT
    )
    return outcomes
