"""What a sync tells of itself: how far it is, and what it did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from analyticspro.warehouse import Stored

__all__ = ["Progress", "Report"]


@dataclass(frozen=True)
class Progress:
    """How far a sync is.

    Attributes:
        part: The file or stream at hand.
        done: Bytes of the files that have to be read; of a stream, records.
        total: The same, in all; 0 while nobody knows, as of a stream.
    """

    source: str
    part: str
    done: int
    total: int


@dataclass
class Report:
    """What a sync did.

    Attributes:
        parts: Files found, or streams; `read` of them were read, the others had not changed.
        records: Records in what was read.
        new: Events added. `changed`: events that got a new version. `unchanged`: events
            that were there already. `retracted`: events whose row vanished.
        conflicts: Of the unchanged, those whose id came again with another payload.
        late: Of the new, those older than what was known of the source before.
        rejected: Records set aside, of what was read.
        rounded: Amounts finer than the minor unit of their currency, rounded half to even.
        error: Why the sync ended early; None if it did not.
        notes: What a person should know, in sentences.
    """

    source: str
    parts: int = 0
    read: int = 0
    records: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    conflicts: int = 0
    late: int = 0
    retracted: int = 0
    rejected: int = 0
    rounded: int = 0
    seconds: float = 0
    error: dict[str, str] | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, stored: Stored, *, records: int, rejected: int = 0, rounded: int = 0) -> None:
        """Count a batch of `records` in."""
        self.records += records
        self.new += stored.new
        self.changed += stored.changed
        self.unchanged += stored.unchanged
        self.conflicts += stored.conflicts
        self.late += stored.late
        self.rejected += rejected
        self.rounded += rounded

    def conclude(self, seconds: float) -> None:
        """Note how long it took, and what a person should know."""
        self.seconds = round(seconds, 3)
        if self.rounded:
            self.notes.append(
                f"{self.rounded} amount(s) were finer than the currency's minor unit and were "
                "rounded half to even; the given value is kept as amount_unrounded."
            )
        if self.rejected:
            self.notes.append(
                f"{self.rejected} record(s) were set aside; "
                f"'analyticspro sources rejects {self.source}' shows which and why."
            )
        if self.conflicts:
            self.notes.append(
                f"{self.conflicts} record(s) came again under the same id with another payload; "
                "the first copy stands, the others are kept as conflicts."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return asdict(self)
