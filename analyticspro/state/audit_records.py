"""What the state database tells about the audit log, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["AuditRow"]


@dataclass(frozen=True)
class AuditRow:
    """One entry as it is stored.

    Attributes:
        seq: 1, 2, 3 … without a gap.
        who: The username of a person, or what did it by itself.
        action: What was done or tried, such as `people.role`.
        subject: What it was done to.
        origin: Where it came from: a network address, or the command line.
        allowed: Whether it was done, or refused.
        digest: Of this entry and the digest of the one before.
    """

    seq: int
    at: datetime
    who: str
    action: str
    subject: str
    origin: str
    allowed: bool
    reason: str
    digest: str
