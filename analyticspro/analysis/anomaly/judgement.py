"""What the detector says of one value, with the numbers that it says it from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Band", "Basis", "Judgement", "View"]


class Basis(StrEnum):
    """What the expected band was learned from."""

    WEEK = "same hour of the week"
    RECENT = "recent window"
    NOTHING = "nothing yet"


class View(StrEnum):
    """One way in which a value can be unlike its past."""

    LEVEL = "far from the recent level"
    STEP = "a step unlike earlier ones"
    SHIFT = "the level has shifted"
    ROUGH = "restless"
    DAY = "unlike this hour of the day"
    WEEK = "unlike this hour of the week"


@dataclass(frozen=True, slots=True)
class Band:
    """What was expected: the robust centre, and the robust spread around it.

    The spread is that of one standard deviation, were the history normal. How many of them
    are allowed is the gate's business.
    """

    centre: float
    spread: float
    basis: Basis
    learned: int

    def edges(self, width: float) -> tuple[float, float]:
        """Return the lower and upper edge, `width` spreads away from the centre."""
        return self.centre - width * self.spread, self.centre + width * self.spread


@dataclass(frozen=True, slots=True)
class Judgement:
    """One value, judged by what had come before it and nothing else.

    Attributes:
        at: Start of the bucket, wall-clock time of the workspace.
        value: None if the bucket is missing or not a finite number.
        band: What was expected.
        strength: 0–1, how unlike its past the value is; 0.5 is the usual threshold.
        score: `strength` where it is news, 0 where it only goes on: after a surprise the next one
            must be greater, by less and less as time passes. This is what NAB is scored by.
        leading: The view that was surprised most; None if none was.
        is_extreme: Outside of everything that was remembered.
        is_learning: Too little history to be surprised by anything.
        is_excluded: A holiday or known incident; not learned from.
        points: The points the band was learned from, oldest first, if they were asked for.
    """

    at: datetime
    value: float | None
    band: Band
    strength: float
    score: float
    leading: View | None
    is_extreme: bool
    is_learning: bool
    is_excluded: bool
    points: tuple[tuple[datetime, float], ...] = ()
