"""The event ids that the warehouse has ever held, in memory: is this one new?

An id is known by the 128 bits of its MD5. Among a billion honest ids, two share one with a
chance of 1.5e-21. (Ids of which somebody chose two to collide would be taken for one: whoever
may write events may write two under one id anyway.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = ["Ids", "KnownIds"]

Unsigned = npt.NDArray[np.uint64]
Signed = npt.NDArray[np.int64]

_LARGEST_RUN = 1 << 24  # merging two needs as much memory again as they take
_RATIO = 4


@dataclass(frozen=True)
class Ids:
    """Ids of events, one per row.

    Attributes:
        high: Upper half of the id's hash.
        low: Lower half.
        seq: Of the newest version stored; 0 for none; below 0 for an erased one.
        content: Hash of that version's payload.
    """

    high: Unsigned
    low: Unsigned
    seq: Signed
    content: Unsigned

    def __len__(self) -> int:
        return len(self.high)


class KnownIds:
    """All ids, in sorted runs that are merged as they grow; 32 bytes an id."""

    def __init__(self) -> None:
        self._runs: list[Ids] = []  # the older ones first

    def __len__(self) -> int:
        """Return how many there are; an id with several versions may count more than once."""
        return sum(len(run) for run in self._runs)

    def find(self, high: Unsigned, low: Unsigned) -> tuple[Signed, Unsigned]:
        """Return `seq` and `content` of the newest version of each id; seq 0 where unknown."""
        seq = np.zeros(len(high), np.int64)
        content = np.zeros(len(high), np.uint64)
        order = np.argsort(high)  # near ones together: memory is read in its order
        wanted_high, wanted_low = high[order], low[order]
        for run in self._runs:
            at, rows = _matches(run, wanted_high, wanted_low)
            seq[order[rows]] = run.seq[at]
            content[order[rows]] = run.content[at]
        return seq, content

    def add(self, ids: Ids) -> None:
        """Add ids; one that was there already has a newer version from now on."""
        if len(ids):
            self._take_in(_sorted([ids]))

    def add_all(self, others: KnownIds) -> None:
        """Add all that `others` has; it is newer."""
        for run in others._runs:
            self._take_in(run)

    def _take_in(self, run: Ids) -> None:
        self._runs.append(run)
        while self._is_due():
            older, newer = self._runs[-2:]
            self._runs[-2:] = [_sorted([older, newer])]

    def _is_due(self) -> bool:
        if len(self._runs) < 2:
            return False
        older, newer = len(self._runs[-2]), len(self._runs[-1])
        return older <= _RATIO * newer and older + newer <= _LARGEST_RUN


def _matches(
    run: Ids, high: Unsigned, low: Unsigned
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return positions in `run`, and the rows of the wanted ids that stand there."""
    at = np.searchsorted(run.high, high)
    rows = np.flatnonzero(at < len(run))
    rows = rows[run.high[at[rows]] == high[rows]]
    found_at, found = [], []
    # Ids that share their upper half stand beside each other.
    while len(rows):
        here = at[rows]
        is_same = run.low[here] == low[rows]
        found_at.append(here[is_same])
        found.append(rows[is_same])
        rows = rows[~is_same]
        at[rows] += 1
        rows = rows[at[rows] < len(run)]
        rows = rows[run.high[at[rows]] == high[rows]]
    nothing = np.empty(0, np.intp)
    return np.concatenate([nothing, *found_at]), np.concatenate([nothing, *found])


def _sorted(runs: Sequence[Ids]) -> Ids:
    """Return the ids of `runs` as one run; of an id with several versions, the newest."""
    high = np.concatenate([run.high for run in runs])
    order = np.argsort(high, kind="stable")
    if np.any(high[order[1:]] == high[order[:-1]]):
        low = np.concatenate([run.low for run in runs])
        order = np.lexsort((low, high))  # stable: the order within an id is that of age
        is_last = np.ones(len(order), np.bool_)
        is_last[:-1] = (high[order[1:]] != high[order[:-1]]) | (low[order[1:]] != low[order[:-1]])
        order = order[is_last]
    # Column by column: that needs a quarter of the memory.
    names = [field.name for field in fields(Ids)]
    columns = (np.concatenate([getattr(run, name) for run in runs])[order] for name in names)
    return Ids(*columns)
