"""What the state database tells about mails, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Mail", "MailState"]


class MailState(StrEnum):
    """Where a mail stands: waiting → sending → sent, or waiting again, or dead."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True)
class Mail:
    """One mail to one recipient.

    Attributes:
        message_id: Stays the same however often it is tried, so that who gets it twice after
            a crash can tell.
        key: Whoever queues a second mail of the same key queues nothing; None for no such.
        kind: Why there is this mail: invitation, reset, alert, report…
        content: The whole message as it goes over the wire; None once it is sent, since it may
            hold a link that lets somebody in.
        attempt: How often it was tried, the present time included.
        not_before: When it may be tried next.
        lease_until: Until when `owner` has it to itself.
        ended_at: When it was sent, or given up.
        error: Why the last try failed.
    """

    id: int
    message_id: str
    key: str | None
    kind: str
    recipient: str
    subject: str
    content: bytes | None = field(repr=False)
    state: MailState
    attempt: int
    attempts_allowed: int
    not_before: datetime
    owner: str | None
    lease_until: datetime | None
    queued_at: datetime
    ended_at: datetime | None
    error: str | None
