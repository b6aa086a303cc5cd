"""A second judge without labels: anomalies of five kinds put into the NAB series, found or not.

`python bench/nab_injected.py`. One anomaly at a time is put into a series of at most 5,000 rows, in
its latter part, away from the marked events. It counts as found if an alarm falls into the next 5 %
of the file; the same stretch of the untouched series tells how often that happens by chance.
Nothing was chosen by these figures.
"""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from nab import Scorer, gaussian, read, shipped
from nab_marks import MARKS

LONGEST = 5_000
# The thresholds that were best on the marks, as NAB's would be on the labels.
DETECTORS: dict[str, tuple[Scorer, float]] = {
    "gaussian": (gaussian, 1.0 - 1e-9),
    "analyticspro": (shipped, 0.475),
}

Change = Callable[[list[float], int, int, random.Random], None]


def _wide(values: Sequence[float], at: int) -> float:
    ordered = sorted(values[:at])
    return max(ordered[-1 - len(ordered) // 20] - ordered[len(ordered) // 20], 1e-9)


def spike(values: list[float], at: int, length: int, chance: random.Random) -> None:
    """Add a single value's leap of 1.5 times the usual range."""
    values[at] += chance.choice((-1, 1)) * 1.5 * _wide(values, at)


def shift(values: list[float], at: int, length: int, chance: random.Random) -> None:
    """Move everything from here on by the usual range."""
    leap = chance.choice((-1, 1)) * _wide(values, at)
    values[at:] = [value + leap for value in values[at:]]


def flat(values: list[float], at: int, length: int, chance: random.Random) -> None:
    """Hold the median for a while: a season that did not come."""
    values[at : at + length] = [sorted(values[:at])[at // 2]] * length


def burst(values: list[float], at: int, length: int, chance: random.Random) -> None:
    """Add noise for a while, as wide as the usual range."""
    wide = _wide(values, at)
    for i in range(at, at + length):
        values[i] += chance.uniform(-wide, wide) / 2


def faster(values: list[float], at: int, length: int, chance: random.Random) -> None:
    """Run through the recent past at four times its pace."""
    past = values[at - 4 * length : at : 4]
    values[at : at + length] = past[:length]


KINDS: tuple[Change, ...] = (spike, shift, flat, burst, faster)


def place(rows: int, marks: Sequence[int], length: int, chance: random.Random) -> int | None:
    """Return a row in the latter part with no marked event near; None if there is none."""
    free = [
        row
        for row in range(rows * 2 // 5, rows - 2 * length)
        if all(not row - 3 * length < mark < row + 2 * length for mark in marks)
    ]
    return chance.choice(free) if free else None


def main() -> None:
    hits: dict[tuple[str, str], int] = defaultdict(int)
    by_chance: dict[tuple[str, str], int] = defaultdict(int)
    tried = 0
    for key, (times, texts) in read().items():
        if len(times) > LONGEST:
            continue
        chance = random.Random(key)
        length = len(times) // 20
        at = place(len(times), MARKS.get(key, ()), length, chance)
        if at is None:
            continue
        tried += 1
        parsed = [datetime.fromisoformat(time) for time in times]
        values = [float(text) for text in texts]
        for name, (detect, threshold) in DETECTORS.items():
            plain = max(detect(parsed, values)[at : at + length]) >= threshold
            for change in KINDS:
                changed = values.copy()
                change(changed, at, length, random.Random(key))
                found = max(detect(parsed, changed)[at : at + length]) >= threshold
                hits[name, change.__name__] += found
                by_chance[name, change.__name__] += plain
    figures: dict[str, float] = {"series": tried}
    for name in DETECTORS:
        for change in KINDS:
            kind = change.__name__
            print(
                f"{name:12} {kind:7} found in {hits[name, kind] / tried:4.0%} of {tried} series, "
                f"by chance {by_chance[name, kind] / tried:4.0%}"
            )
            figures[f"{name}_{kind}"] = round(hits[name, kind] / tried, 3)
    told = {"name": "nab_injected", "cores": os.cpu_count(), "figures": figures, "ratios": {}}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
