"""The states of one series of one rule: a pure walk over readings, without clock or database.

    inactive → pending → firing → recovering → inactive

The readings of the last buckets are kept, so that one that late data has changed is judged again
and everything after it is walked anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["REMEMBERED", "Delays", "Instance", "Kind", "Phase", "Reading", "Standing", "Transition"]

REMEMBERED = 48  # buckets that late data may still change


class Phase(StrEnum):
    """Where an alert stands. It is active, so that people are told, while firing or recovering."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"

    @property
    def is_active(self) -> bool:
        """Return whether it has fired and is not resolved."""
        return self in (Phase.FIRING, Phase.RECOVERING)


@dataclass(frozen=True)
class Delays:
    """How long a breach, and then calm, must last."""

    hold_for: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)


@dataclass(frozen=True)
class Standing:
    """The phase, and since when; `since` means something while pending or recovering."""

    phase: Phase = Phase.INACTIVE
    since: datetime | None = None

    def after(self, at: datetime, delays: Delays, *, breached: bool | None) -> Standing:
        """Return the standing after one reading at `at`; None, no data, changes nothing."""
        if breached is None:
            return self
        phase, since = self.phase, self.since
        if breached:
            if phase.is_active:
                return Standing(Phase.FIRING)
            since = at if since is None else since
            held = at - since >= delays.hold_for
            return Standing(Phase.FIRING) if held else Standing(Phase.PENDING, since)
        if not phase.is_active:
            return Standing()
        since = at if since is None else since
        calm = at - since >= delays.keep_firing_for
        return Standing() if calm else Standing(Phase.RECOVERING, since)


@dataclass(frozen=True)
class Reading:
    """What was found of one bucket.

    Attributes:
        bucket: Its start; readings are known by it.
        at: When it was so for the first time: the end of the bucket, or, of a running one, the
            moment of the look.
        breached: Whether the condition holds; None without data.
        value: What was judged.
        until: When it was so for the last time; later than `at` of a running bucket only.
        is_whole: The bucket was over; a running one may change without anything being late.
    """

    bucket: datetime
    at: datetime
    breached: bool | None
    value: float | None = None
    until: datetime | None = None
    is_whole: bool = True

    @property
    def last(self) -> datetime:
        """The last moment it was so."""
        return self.at if self.until is None else self.until


class Kind(StrEnum):
    """What becomes of an alert's record."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REJUDGED = "rejudged"  # late data changed a bucket that had been judged


@dataclass(frozen=True)
class Transition:
    """A change that is told, once.

    Attributes:
        at: The moment in the data.
        bucket: The bucket whose reading brought it.
        is_late: It follows from data that came after the bucket had been judged.
        before: Of REJUDGED, the value that was judged first.
    """

    kind: Kind
    at: datetime
    bucket: datetime
    value: float | None
    is_late: bool = False
    before: float | None = None


@dataclass(frozen=True)
class Instance:
    """One series: how it stood before the readings that are kept, these, and how it stands now."""

    settled: Standing = Standing()
    readings: tuple[Reading, ...] = ()
    standing: Standing = Standing()
    horizon: datetime | None = None

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing would be lost by forgetting it: never anything but calm."""
        calm = all(reading.breached is False for reading in self.readings)
        return calm and self.settled == self.standing == Standing()

    def judged(
        self, fresh: Iterable[Reading], delays: Delays
    ) -> tuple[Instance, tuple[Transition, ...]]:
        """Return the instance after `fresh` readings, and what is to be told of it.

        Whether they come one by one or all at once makes no difference, as long as they are in
        order. One for a bucket that was read before takes its place; one older than all that are
        kept is ignored.

        What counts after late data is the present: an alert that should be active fires now, one
        that should not be is resolved. A breach that has come and gone before it was known fires
        and is resolved at once, unless an alert was active in the meantime.
        """
        merged, changed = self._merged(fresh)
        if merged == self.readings:
            return self, ()
        kept = len(self.readings)
        old, new = _walk(self.settled, self.readings, delays), _walk(self.settled, merged, delays)
        told = [*changed, *_made_up_for(self, merged, old, new, is_late=bool(changed))]
        phase = new[kept - 1].phase if kept else self.standing.phase
        for reading, standing in zip(merged[kept:], new[kept:], strict=True):
            told += _edge(phase, standing.phase, reading, is_late=False)
            phase = standing.phase
        surplus = max(0, len(merged) - REMEMBERED)
        found = Instance(
            settled=new[surplus - 1] if surplus else self.settled,
            readings=merged[surplus:],
            standing=new[-1],
            horizon=merged[surplus - 1].bucket if surplus else self.horizon,
        )
        return found, tuple(told)

    def _merged(self, fresh: Iterable[Reading]) -> tuple[tuple[Reading, ...], list[Transition]]:
        known = {reading.bucket: reading for reading in self.readings}
        last = self.readings[-1].bucket if self.readings else self.horizon
        changed = []
        for reading in sorted(fresh, key=lambda reading: reading.bucket):
            before = known.get(reading.bucket)
            if before is None and last is not None and reading.bucket <= last:
                continue  # too old to be judged again
            if before is None:
                known[reading.bucket] = reading
                continue
            if before.breached == reading.breached:
                reading = _joined(before, reading)
            elif before.is_whole:
                changed.append(_rejudged(before, reading))
            known[reading.bucket] = reading
        return tuple(known[bucket] for bucket in sorted(known)), changed


def _joined(before: Reading, reading: Reading) -> Reading:
    """Return a reading that says the same as the one before it, for all of the time."""
    at, last = min(before.at, reading.at), max(before.last, reading.last)
    is_whole = before.is_whole or reading.is_whole
    return replace(reading, at=at, until=None if at == last else last, is_whole=is_whole)


def _rejudged(before: Reading, reading: Reading) -> Transition:
    at, value = reading.at, reading.value
    return Transition(Kind.REJUDGED, at, reading.bucket, value, is_late=True, before=before.value)


def _walk(standing: Standing, readings: Sequence[Reading], delays: Delays) -> list[Standing]:
    found = []
    for reading in readings:
        standing = standing.after(reading.at, delays, breached=reading.breached)
        if reading.until is not None:
            standing = standing.after(reading.until, delays, breached=reading.breached)
        found.append(standing)
    return found


def _edge(before: Phase, after: Phase, reading: Reading, *, is_late: bool) -> list[Transition]:
    if before.is_active == after.is_active:
        return []
    kind = Kind.FIRED if after.is_active else Kind.RESOLVED
    return [Transition(kind, reading.last, reading.bucket, reading.value, is_late)]


def _made_up_for(
    instance: Instance,
    merged: Sequence[Reading],
    old: Sequence[Standing],
    new: Sequence[Standing],
    *,
    is_late: bool,
) -> list[Transition]:
    """Return what follows from readings that took the place of others."""
    kept = len(old)
    if not kept:
        return []
    told: list[Transition] = []
    was_active, begun = instance.settled.phase.is_active, None
    for index, standing in enumerate(new[:kept]):
        if standing.phase.is_active and not was_active:
            begun = index
        if was_active and not standing.phase.is_active and begun is not None:
            if not any(each.phase.is_active for each in old[begun : index + 1]):
                told += _come_and_gone(merged[begun], merged[index])
            begun = None
        was_active = standing.phase.is_active
    last = merged[kept - 1]
    return [*told, *_edge(instance.standing.phase, new[kept - 1].phase, last, is_late=is_late)]


def _come_and_gone(first: Reading, last: Reading) -> list[Transition]:
    pairs = ((Kind.FIRED, first), (Kind.RESOLVED, last))
    return [Transition(kind, each.last, each.bucket, each.value, True) for kind, each in pairs]
