"""What the warehouse has to keep, in plain Python: the meaning of semantics.md in dicts.

Of "Identity, versions, lateness" it settles what is left open there:

- append: an id that was ever there is a duplicate; it is also a conflict if its payload
  differs from that of the copy that stands, which is its `raw` where there is one. (A copy
  that came while the stream had another mode is compared in all that it says.)
- merge: a record without a version is lower than any that has one; equals are duplicates,
  whatever they hold. Within a frame the highest version stands, the first of equals.
- replace: within a frame the last of an id stands. A duplicate moves to the part it came in.
  (What had been appended with its raw record is a new version, whatever it says.)
- An id that is not live (its part no longer says it) is new when it comes again, whatever
  its version, except under append. An erased id is a duplicate for ever, under each mode.
- A new event is late if it is older than the watermark; a new version is what the one
  before it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from analyticspro.events import WriteMode
from analyticspro.warehouse import Outcome

__all__ = ["Copy", "Plain", "Record", "told", "whole"]

NEW, CHANGED, DUPLICATE, CONFLICT = Outcome


@dataclass(frozen=True)
class Record:
    """What a source sends: an id, what it says, and a version."""

    id: str
    payload: tuple[object, ...] = ("p",)
    version: int | None = None
    raw: str | None = None
    at: datetime | None = None


@dataclass
class Copy:
    """A version that was stored."""

    record: Record
    part: str
    seq: int
    mode: WriteMode
    is_late: bool = False
    is_live: bool = True
    is_erased: bool = False


@dataclass
class Plain:
    """All of it.

    Attributes:
        copies: The newest version of each id, by source and id.
        history: All versions, with their sources.
        counts: By source, what the ledger sums up.
    """

    copies: dict[tuple[str, str], Copy] = field(default_factory=dict)
    history: list[tuple[str, Copy]] = field(default_factory=list)
    erased: set[tuple[str, str]] = field(default_factory=set)
    conflicts: set[tuple[str, str, object]] = field(default_factory=set)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    next_seq: int = 1

    def store(
        self,
        source: str,
        part: str,
        mode: WriteMode,
        records: list[Record],
        *,
        late_before: datetime | None = None,
    ) -> list[Outcome]:
        """Return the outcome of each record."""
        stands = _standing(mode, records)
        outcomes = []
        for at, record in enumerate(records):
            place = source, record.id
            outcome = DUPLICATE
            if place not in self.erased and stands[record.id] == at:
                outcome = self._outcome(mode, self.copies.get(place), record)
            elif mode is WriteMode.APPEND and place not in self.erased:
                outcome = _appended(self.copies[place], record)  # which is there by now
            outcomes.append(outcome)
            if outcome in (NEW, CHANGED):
                is_late = self._is_late(place, record, outcome, late_before)
                self._add(place, Copy(record, part, self.next_seq, mode, is_late))
            elif outcome is CONFLICT:
                self.conflicts.add((source, record.id, told(record)))
            elif mode is WriteMode.REPLACE and stands[record.id] == at and place not in self.erased:
                self.copies[place].part = part
        self._count(source, outcomes)
        return outcomes

    def retract(self, source: str, part: str, *, seen: set[int]) -> int:
        """Retract what a part no longer says."""
        gone = [
            copy
            for (of, _), copy in self.copies.items()
            if of == source and copy.part == part and copy.is_live and copy.seq not in seen
        ]
        for copy in gone:
            copy.is_live = False
        self.counted(source)["retracted"] += len(gone)
        return len(gone)

    def erase(
        self, is_named: Callable[[Record], bool], speaks_of: Callable[[object], bool]
    ) -> None:
        """Erase a person: what names them, and all of an event whose newest version does.

        Args:
            is_named: Whether a record names the person.
            speaks_of: Whether what is told of a conflict mentions them.
        """
        theirs = {place for place, copy in self.copies.items() if is_named(copy.record)}
        gone = [
            (source, copy)
            for source, copy in self.history
            if is_named(copy.record) or (source, copy.record.id) in theirs
        ]
        for source, copy in gone:
            self.counted(source)["retracted"] += copy.is_live
            copy.is_live, copy.is_erased = False, True
        self.history = [(source, copy) for source, copy in self.history if not copy.is_erased]
        touched = {(source, copy.record.id) for source, copy in gone}
        self.conflicts = {
            conflict
            for conflict in self.conflicts
            if conflict[:2] not in touched and not speaks_of(conflict[2])
        }
        self.erased |= theirs
        for place in theirs:
            del self.copies[place]

    def live(self) -> list[tuple[str, Copy]]:
        """Return the live events, with their sources, in the order of their coming."""
        return [(source, copy) for source, copy in self.history if copy.is_live]

    def counted(self, source: str) -> Counter[str]:
        """Return what the ledger sums up for a source."""
        return self.counts.setdefault(source, Counter())

    def _outcome(self, mode: WriteMode, copy: Copy | None, record: Record) -> Outcome:
        if copy is None:
            return NEW
        if mode is WriteMode.APPEND:
            return _appended(copy, record)
        if not copy.is_live:
            return NEW
        if mode is WriteMode.MERGE:
            return CHANGED if _rank(record) > _rank(copy.record) else DUPLICATE
        was_appended = copy.mode is WriteMode.APPEND and copy.record.raw is not None
        differs = was_appended or whole(record) != whole(copy.record)
        return CHANGED if differs else DUPLICATE

    def _is_late(
        self,
        place: tuple[str, str],
        record: Record,
        outcome: Outcome,
        late_before: datetime | None,
    ) -> bool:
        if outcome is CHANGED:
            return self.copies[place].is_late
        is_late = late_before is not None and record.at is not None and record.at < late_before
        self.counted(place[0])["late"] += is_late
        return is_late

    def _add(self, place: tuple[str, str], copy: Copy) -> None:
        if place in self.copies:
            self.copies[place].is_live = False
        self.copies[place] = copy
        self.history.append((place[0], copy))
        self.next_seq += 1

    def _count(self, source: str, outcomes: list[Outcome]) -> None:
        counts = self.counted(source)
        counts["seen"] += len(outcomes)
        counts["new"] += outcomes.count(NEW)
        counts["changed"] += outcomes.count(CHANGED)
        counts["duplicates"] += outcomes.count(DUPLICATE) + outcomes.count(CONFLICT)
        counts["conflicts"] += outcomes.count(CONFLICT)


def _appended(copy: Copy, record: Record) -> Outcome:
    if copy.mode is WriteMode.APPEND:
        return DUPLICATE if told(copy.record) == told(record) else CONFLICT
    return DUPLICATE if whole(copy.record) == whole(record) else CONFLICT


def told(record: Record) -> object:
    """Return what tells a duplicate from a conflict."""
    return record.raw if record.raw is not None else record.payload


def whole(record: Record) -> tuple[object, ...]:
    """Return all that a record says."""
    return *record.payload, record.raw


def _rank(record: Record) -> float:
    return float("-inf") if record.version is None else record.version


def _standing(mode: WriteMode, records: list[Record]) -> dict[str, int]:
    """Return for each id which of its records stands for it."""
    stands: dict[str, int] = {}
    for at, record in enumerate(records):
        before = stands.setdefault(record.id, at)
        is_higher = mode is WriteMode.MERGE and _rank(record) > _rank(records[before])
        if mode is WriteMode.REPLACE or is_higher:
            stands[record.id] = at
    return stands
