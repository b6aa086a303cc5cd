"""When a judgement is worth telling a person: sensitivity, least count, least change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyticspro.analysis.anomaly.judgement import Judgement

__all__ = ["Direction", "Gate", "Sensitivity"]


class Sensitivity(StrEnum):
    """How much it takes; each is a threshold of the strength and a width of the band."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def threshold(self) -> float:
        """Return the least strength that counts."""
        return _DEMANDS[self][0]

    @property
    def width(self) -> float:
        """Return how many spreads the expected band reaches to either side."""
        return _DEMANDS[self][1]


_DEMANDS = {
    Sensitivity.LOW: (0.7, 5.0),
    Sensitivity.MEDIUM: (0.6, 4.0),
    Sensitivity.HIGH: (0.5, 3.0),
}


class Direction(StrEnum):
    """On which side of the band a value must lie."""

    BOTH = "both"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Gate:
    """The condition of an anomaly rule.

    Attributes:
        sensitivity: Threshold and band.
        least_count: The value or the centre of its band must reach this, in absolute terms: 3
            failures instead of 1 are no news.
        least_change: Distance from the centre over the centre, 0.2 = 20 %. A centre of 0 passes.
        direction: Which side matters.
    """

    sensitivity: Sensitivity = Sensitivity.MEDIUM
    least_count: float = 0.0
    least_change: float = 0.0
    direction: Direction = Direction.BOTH

    def breached(self, judgement: Judgement) -> bool | None:
        """Return whether the condition holds; None if there was no value to judge.

        Holds for as long as the value stays unlike its past, however old the news is; waiting and
        repeating are the alert's own business.
        """
        value, band = judgement.value, judgement.band
        if value is None:
            return None
        if judgement.is_learning or judgement.is_excluded:
            return False
        low, high = band.edges(self.sensitivity.width)
        is_outside = (value > high and self.direction is not Direction.DOWN) or (
            value < low and self.direction is not Direction.UP
        )
        return (
            is_outside
            and judgement.strength >= self.sensitivity.threshold
            and max(abs(value), abs(band.centre)) >= self.least_count
            and abs(value - band.centre) >= self.least_change * abs(band.centre)
        )
