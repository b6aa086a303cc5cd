"""What a rule waits for. Each kind of condition is a table `when` of the rule."""

from __future__ import annotations

import math
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

import msgspec

from analyticspro.analysis.anomaly import Direction, Gate, Sensitivity
from analyticspro.errors import DefinitionError

__all__ = ["Against", "Anomaly", "Change", "Condition", "Is", "Matching", "NoData", "Threshold"]


class Is(StrEnum):
    """How a value lies to the limits. `between` takes its ends in, `outside` leaves them out."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    BETWEEN = "between"
    OUTSIDE = "outside"

    @property
    def takes_two(self) -> bool:
        """Return whether it needs `low` and `high` instead of `value`."""
        return self in (Is.BETWEEN, Is.OUTSIDE)


class Against(StrEnum):
    """What a value is compared with: the bucket before, or the same bucket a week before."""

    PREVIOUS = "previous"
    SAME_WEEKDAY = "same_weekday"


class Threshold(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="threshold", tag_field="kind"
):
    """The value lies beyond a limit.

    Attributes:
        op: In files and over HTTP it is called `is`.
        value: The limit; of `between` and `outside` there are `low` and `high` instead.
    """

    op: Is = msgspec.field(name="is")
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def check(self) -> None:
        """Raise DefinitionError if limits are missing, too many, or in the wrong order."""
        limits = {"value": self.value, "low": self.low, "high": self.high}
        wanted = {"low", "high"} if self.op.takes_two else {"value"}
        for name, limit in limits.items():
            if (limit is not None) != (name in wanted):
                verb = "needs" if name in wanted else "has no use for"
                raise DefinitionError(
                    f"The threshold {self.op.value!r} {verb} {name}. "
                    f"Give it {' and '.join(sorted(wanted))}, nothing else."
                )
            _check_finite(name, limit)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise DefinitionError(
                f"low is {self.low} and high is {self.high}. Put the lower one into low."
            )

    def breached(self, value: float) -> bool:
        """Return whether the condition holds of `value`.

        >>> Threshold(Is.OUTSIDE, low=1, high=2).breached(2)
        False
        """
        match self.op:
            case Is.BETWEEN | Is.OUTSIDE:
                assert self.low is not None
                assert self.high is not None
                return (self.low <= value <= self.high) == (self.op is Is.BETWEEN)
            case Is.ABOVE:
                return value > _given(self.value)
            case Is.AT_LEAST:
                return value >= _given(self.value)
            case Is.BELOW:
                return value < _given(self.value)
            case Is.AT_MOST:
                return value <= _given(self.value)


class Change(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="change", tag_field="kind"
):
    """The value has changed by so much.

    Attributes:
        by: How the change must lie to the limit: above or below it; its sign counts.
        percent: The limit, in percent of the value before; a change from 0 has none, and is then
            beyond every limit of its sign ("new").
        absolute: The limit in the metric's unit, instead.
        least: With `percent`, the least absolute change that counts: 1 to 3 is +200 %, but no news.
        against: What it is compared with.
    """

    op: Is = msgspec.field(name="is")
    percent: float | None = None
    absolute: float | None = None
    least: float = 0.0
    against: Against = Against.PREVIOUS

    def check(self) -> None:
        """Raise DefinitionError if there is not exactly one limit, or it cannot be met."""
        if self.op.takes_two:
            raise DefinitionError(
                f"A change cannot be {self.op.value!r}. Write is = '>' for a rise beyond the "
                "limit, '<' for a fall beyond it (such as percent = -20)."
            )
        if (self.percent is None) == (self.absolute is None):
            raise DefinitionError("A change needs percent or absolute, one of the two.")
        if not self.least >= 0:
            raise DefinitionError(f"least is {self.least}. It is a size: give 0 or more.")
        for name in ("percent", "absolute", "least"):
            _check_finite(name, getattr(self, name))

    def breached(self, value: float, before: float) -> bool:
        """Return whether the change from `before` to `value` is beyond the limit.

        >>> Change(Is.BELOW, percent=-20.0).breached(79, 100)
        True
        >>> Change(Is.ABOVE, percent=100.0, least=5.0).breached(3, 1)
        False
        """
        change = value - before
        if self.absolute is not None:
            return Threshold(self.op, self.absolute).breached(change)
        if abs(change) < self.least:
            return False
        if before == 0:
            rises = self.op in (Is.ABOVE, Is.AT_LEAST)
            return change > 0 if rises else change < 0
        return Threshold(self.op, _given(self.percent)).breached(100 * change / abs(before))


class Anomaly(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="anomaly", tag_field="kind"
):
    """The value is unlike its own past; see `analysis.anomaly.Gate`."""

    sensitivity: Sensitivity = Sensitivity.MEDIUM
    direction: Direction = Direction.BOTH
    least_count: float = 0.0
    least_change: float = 0.0

    def check(self) -> None:
        """Raise DefinitionError if a floor is negative."""
        for name in ("least_count", "least_change"):
            if not 0 <= getattr(self, name) < math.inf:
                raise DefinitionError(
                    f"{name} is {getattr(self, name)}. It is a floor: give 0 or more."
                )

    @property
    def gate(self) -> Gate:
        """The condition as the detector's gate knows it."""
        return Gate(self.sensitivity, self.least_count, self.least_change, self.direction)


class NoData(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="no_data", tag_field="kind"
):
    """Nothing has happened for so long, by the clock.

    What the metric counts is looked at, not its value; of a breakdown, each series that ever was.
    """

    within: timedelta

    def check(self) -> None:
        """Raise DefinitionError if it is no time at all."""
        if self.within <= timedelta(0):
            raise DefinitionError("within is 0s. Say how long nothing may happen, such as 3h.")


class Matching(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="event", tag_field="kind"
):
    """An event of this name, of which each opens a record of its own.

    Attributes:
        event: Name of the events.
        number: A column or property whose number is compared; `amount` is money in major units.
        op: With `number`; `is` in files. Then `value` is the limit.
    """

    event: str
    number: str | None = None
    op: Is | None = msgspec.field(name="is", default=None)
    value: float | None = None

    def check(self) -> None:
        """Raise DefinitionError if the comparison is not whole."""
        given = [part is not None for part in (self.number, self.op, self.value)]
        if any(given) != all(given):
            raise DefinitionError("An event's number needs all of number, is and value, or none.")
        if self.op is not None and self.op.takes_two:
            raise DefinitionError(f"An event's number cannot be {self.op.value!r}. Write '>='.")
        _check_finite("value", self.value)


Condition: TypeAlias = Threshold | Change | Anomaly | NoData | Matching


def _given(limit: float | None) -> float:
    assert limit is not None  # as `check` has made sure
    return limit


def _check_finite(name: str, number: float | None) -> None:
    if number is not None and not math.isfinite(number):
        raise DefinitionError(f"{name} is {number}. Give a finite number.")
