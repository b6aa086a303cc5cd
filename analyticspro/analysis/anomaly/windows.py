"""What is remembered of a series: bounded, quick to ask, and plain numbers when stored."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence

__all__ = ["Extremes", "Surprise", "Window", "middle", "spread"]

_NORMAL = 2.5631  # between the first and the ninth decile of a normal distribution, in σ


def middle(ordered: Sequence[float]) -> float:
    """Return the (upper) median of numbers in order.

    >>> middle([1.0, 2.0, 9.0])
    2.0
    """
    return ordered[len(ordered) // 2]


def spread(ordered: Sequence[float]) -> float:
    """Return the distance of the outer deciles of numbers in order, as standard deviations.

    One value in ten may be wild without any effect.
    """
    cut = len(ordered) // 10
    return (ordered[-1 - cut] - ordered[cut]) / _NORMAL


class Window:
    """The last `size` numbers, kept in order of arrival and in order of size."""

    __slots__ = ("arrived", "ordered", "size")

    def __init__(self, size: int, values: Iterable[float] = ()) -> None:
        self.size = size
        self.arrived: deque[float] = deque(values, size)
        self.ordered = sorted(self.arrived)

    def __len__(self) -> int:
        return len(self.ordered)

    def add(self, value: float) -> None:
        """Take one more; the oldest goes if there is no room."""
        if len(self.ordered) == self.size:
            del self.ordered[bisect_left(self.ordered, self.arrived[0])]
        self.arrived.append(value)
        insort(self.ordered, value)


class Extremes:
    """The least and the greatest of the last 15 to 16 blocks of 250 numbers."""

    __slots__ = ("blocks", "filled", "high", "low")
    block, kept = 250, 16

    def __init__(self, blocks: Iterable[Sequence[float]] = (), filled: int = 0) -> None:
        self.blocks: deque[list[float]] = deque((list(b) for b in blocks), self.kept)
        self.filled = filled
        self._look()

    def _look(self) -> None:
        self.low = min((low for low, _ in self.blocks), default=0.0)
        self.high = max((high for _, high in self.blocks), default=0.0)

    def add(self, value: float) -> None:
        """Take one more number."""
        if not self.blocks or self.filled >= self.block:
            self.blocks.append([value, value])
            self.filled = 1
            self._look()
            return
        last = self.blocks[-1]
        self.filled += 1
        last[0], last[1] = min(last[0], value), max(last[1], value)
        self.low, self.high = min(self.low, value), max(self.high, value)


class Surprise:
    """How rare a deviation is among all earlier ones of its kind: −log10 of its rank.

    Counts of deviations by size, in steps of 9 %, are all that is kept; at 8,000 all counts are
    halved, so that old ones fade. A deviation greater than all earlier ones is rarer than its
    rank can say: it gets 3 more for each factor of ten, at most 6. That is a convention, as a
    tail that has not been seen cannot be estimated; it orders what the rank cannot.
    """

    __slots__ = ("_top", "counts", "total")
    bins, full, least = 256, 8_000, 30
    _scale, _offset = 11.25, 105.0

    def __init__(self, counts: Iterable[tuple[int, int]] = ()) -> None:
        self.counts = [0] * self.bins
        for index, count in counts:
            self.counts[index] = count
        self._count()

    def _count(self) -> None:
        self.total = sum(self.counts)
        self._top = max((i for i, count in enumerate(self.counts) if count), default=-1)

    def take(self, deviation: float) -> float:
        """Return the surprise of one deviation (≥ 0), and remember it."""
        index = 0
        if deviation > 1e-4:
            index = min(self.bins - 1, int(math.log(deviation) * self._scale + self._offset))
        surprise = 0.0
        if self.total >= self.least:
            rarer = sum(self.counts[index:])
            surprise = math.log10((self.total + 1) / (rarer + 1))
            if index > self._top > 0:
                surprise += min(6.0, 3 * (index - self._top) / self._scale / math.log(10))
        self.counts[index] += 1
        self.total += 1
        self._top = max(self._top, index)
        if self.total >= self.full:
            self.counts = [count // 2 for count in self.counts]
            self._count()
        return surprise

    def stored(self) -> list[tuple[int, int]]:
        """Return the counts that are not 0, each with its place."""
        return [(i, count) for i, count in enumerate(self.counts) if count]
