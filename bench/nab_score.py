"""NAB's scoring, standard profile: windows, sigmoid, one threshold for all files, 0 to 100.

Written from the published description (Lavin & Ahmad 2015) and proved against small cases worked
out by hand in `tests/analysis/test_nab_score.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_POSITIVE = 0.11
_FIRST = 2 / (1 + math.exp(-5)) - 1  # what the very start of a window would earn


@dataclass(frozen=True)
class Score:
    """The standard score (null detector 0, perfect 100) at the threshold that gives most."""

    score: float
    threshold: float
    false_positives: int
    found: int
    windows: int


def probation(rows: int) -> int:
    """Return how many rows at the start are not scored."""
    return min(math.floor(0.15 * rows), 750)


def windows(rows: int, events: Sequence[int]) -> list[tuple[int, int]]:
    """Return the windows (first, last row) around events: 10 % of the file, split among them."""
    found: list[tuple[int, int]] = []
    half = int(0.1 * rows / len(events) / 2) if events else 0
    for event in sorted(events):
        first, last = max(0, event - half), min(rows - 1, event + half)
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def sigmoid(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the worth of a detection: −1 is a window's first row, 0 its last, 3 far behind."""
    worth: NDArray[np.float64] = 2 / (1 + np.exp(5 * np.minimum(position, 3.0))) - 1
    worth[position >= 3] = -1.0
    return worth


def weigh(
    rows: int, stretches: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what an alarm in each row is worth, and its window (−1 none, −2 probation)."""
    at = np.arange(rows)
    position = np.full(rows, 3.0)
    for first, last in stretches:
        behind = at > last
        position[behind] = (at[behind] - last) / max(1, last - first)
    worth = sigmoid(position) * FALSE_POSITIVE
    window = np.full(rows, -1)
    for number, (first, last) in enumerate(stretches):
        inside = np.arange(first, last + 1)
        worth[inside] = sigmoid(-(last - inside + 1) / (last - first + 1)) / _FIRST
        window[inside] = number
    window[: probation(rows)] = -2
    return worth, window


def evaluate(
    scores: Mapping[str, Sequence[float]], stretches: Mapping[str, Sequence[tuple[int, int]]]
) -> Score:
    """Return the score of a detector over all files, at the best threshold for all of them.

    A window earns its best row, a window without an alarm costs 1, every row of alarm outside
    costs up to 0.11. The null detector, from which 0 is counted, raises none.
    """
    all_scores, all_worth, all_windows, count = [], [], [], 0
    for name, series in scores.items():
        worth, window = weigh(len(series), stretches.get(name, ()))
        counts = window != -2
        window = np.where(window >= 0, window + count, window)
        count += len(stretches.get(name, ()))
        all_scores.append(np.asarray(series, dtype=float)[counts])
        all_worth.append(worth[counts])
        all_windows.append(window[counts])
    return _sweep(*map(np.concatenate, (all_scores, all_worth, all_windows)))


def _sweep(
    scores: NDArray[np.float64], worth: NDArray[np.float64], window: NDArray[np.int64]
) -> Score:
    order = np.argsort(-scores, kind="stable")
    scores, worth, window = scores[order], worth[order], window[order]
    total = len(set(window[window >= 0].tolist()))
    best = dict.fromkeys(window[window >= 0].tolist(), -1.0)
    gain = np.where(window < 0, worth, 0.0)
    for row in np.nonzero(window >= 0)[0]:
        more = worth[row] - best[int(window[row])]
        if more > 0:
            gain[row] = more
            best[int(window[row])] = float(worth[row])
    sums = np.cumsum(gain)
    ends = np.append(scores[1:] != scores[:-1], True)
    last = int(np.nonzero(ends)[0][np.argmax(sums[ends])])
    if total == 0 or sums[last] <= 0:
        return Score(0.0, math.inf, 0, 0, total)
    taken = window[: last + 1]
    return Score(
        score=100 * float(sums[last]) / (2 * total),
        threshold=float(scores[last]),
        false_positives=int((taken < 0).sum()),
        found=len(set(taken[taken >= 0].tolist())),
        windows=total,
    )
