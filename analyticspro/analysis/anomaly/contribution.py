"""Which segments a deviation comes from: the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Contribution", "of_ratio", "of_total"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One segment's part in the change of the whole.

    Attributes:
        segment: Its name.
        expected: Its value as expected; of a ratio, its rate, None without a denominator.
        value: Its value as it came; of a ratio as above.
        change: What it adds to the whole's change, in the whole's unit; all of them add up to it.
        share: `change` over the whole's change: 1.2 is more than all of it, negative is
            against it; None if the whole has not changed.
        mix: Of a ratio, the part of `change` that comes from the segment's weight, not its rate.
    """

    segment: str
    expected: float | None
    value: float | None
    change: float
    share: float | None
    mix: float = 0.0


def of_total(expected: Mapping[str, float], values: Mapping[str, float]) -> list[Contribution]:
    """Return what each segment of an additive metric adds to the whole's deviation.

    A segment that is missing on one side is 0 there: new and vanished segments count in full.

    Returns:
        One per segment, the greatest absolute change first, then by name.

    >>> [(c.segment, c.change, c.share) for c in of_total({"a": 10, "b": 5}, {"a": 2, "b": 7})]
    [('a', -8.0, 1.3333333333333333), ('b', 2.0, -0.3333333333333333)]
    """
    names = sorted({*expected, *values})
    pairs = {name: (float(expected.get(name, 0)), float(values.get(name, 0))) for name in names}
    whole = sum(after - before for before, after in pairs.values())
    found = [
        Contribution(name, before, after, after - before, _share(after - before, whole))
        for name, (before, after) in pairs.items()
    ]
    return sorted(found, key=lambda part: -abs(part.change))


def of_ratio(
    expected: Mapping[str, tuple[float, float]], values: Mapping[str, tuple[float, float]]
) -> list[Contribution]:
    """Return what each segment adds to the change of Σ numerator / Σ denominator.

    A segment adds by its rate (it became better or worse) and by its weight (there is more of a
    segment that is better than the rest). A segment without a denominator on one side has no
    rate there, so that only its weight counts.

    Args:
        expected: (numerator, denominator) by segment; the denominator is ≥ 0.
        values: The same, as it came.

    Returns:
        One per segment, the greatest absolute change first, then by name; empty if either side
        has no denominator at all, as there is no ratio then.

    Source:
        The mean-weight (Marshall–Edgeworth) form of the shift-share decomposition, exact.

    >>> before, after = {"a": (5, 50), "b": (10, 50)}, {"a": (5, 50), "b": (20, 50)}
    >>> [(c.segment, round(c.change, 3)) for c in of_ratio(before, after)]
    [('b', 0.1), ('a', 0.0)]
    """
    old, new = _sum(expected), _sum(values)
    if old[1] == 0 or new[1] == 0:
        return []
    overall = (old[0] / old[1] + new[0] / new[1]) / 2
    whole = new[0] / new[1] - old[0] / old[1]
    found = []
    for name in sorted({*expected, *values}):
        before, after = expected.get(name, (0.0, 0.0)), values.get(name, (0.0, 0.0))
        first, last = _rate(before), _rate(after)
        if first is None and last is None:
            # Numerators without a denominator anywhere: they still move the whole.
            change, mix = after[0] / new[1] - before[0] / old[1], 0.0
        else:
            start = first if first is not None else last or 0.0
            end = last if last is not None else first or 0.0
            weight = before[1] / old[1], after[1] / new[1]
            mix = (weight[1] - weight[0]) * ((start + end) / 2 - overall)
            change = mix + (end - start) * (weight[0] + weight[1]) / 2
            change += _stray(after, new) - _stray(before, old)
        found.append(Contribution(name, first, last, change, _share(change, whole), mix))
    return sorted(found, key=lambda part: -abs(part.change))


def _share(change: float, whole: float) -> float | None:
    return change / whole if whole else None


def _rate(pair: tuple[float, float]) -> float | None:
    return pair[0] / pair[1] if pair[1] else None


def _stray(pair: tuple[float, float], whole: tuple[float, float]) -> float:
    """Return what a numerator without a denominator adds to the ratio of the whole."""
    return pair[0] / whole[1] if pair[1] == 0 else 0.0


def _sum(pairs: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    return sum(pair[0] for pair in pairs.values()), sum(pair[1] for pair in pairs.values())
