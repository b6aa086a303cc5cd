"""What the state database tells about persons, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Link", "LinkKind", "Person", "Presence", "SignedIn", "Standing"]


class Standing(StrEnum):
    """Whether a person may come in: active, waiting for an admin's approval, or shut out."""

    ACTIVE = "active"
    WAITING = "waiting"
    SUSPENDED = "suspended"


class LinkKind(StrEnum):
    """What a one-time link is for."""

    ENTRY = "entry"
    FIRST_ADMIN = "first_admin"
    INVITATION = "invitation"
    RESET = "reset"
    VERIFICATION = "verification"


@dataclass(frozen=True)
class Person:
    """One person.

    Attributes:
        email: Normalised; unique among those who are there.
        role: The name of a role of `analyticspro.policy`.
        password_hash: Argon2id with its parameters; None if no password signs in.
        verified_at: When it was seen that mail to `email` reaches the person; None if never.
        removed_at: When an admin removed the person; None of those who are there.
    """

    id: int
    email: str
    name: str
    role: str
    standing: Standing
    password_hash: str | None = field(repr=False)
    verified_at: datetime | None
    joined_at: datetime
    changed_at: datetime
    removed_at: datetime | None

    @property
    def username(self) -> str:
        """What the hub and the audit log call the person: it tells nothing, and never changes."""
        return f"p{self.id}"


@dataclass(frozen=True)
class Link:
    """A one-time link that nobody has used yet.

    Attributes:
        digest: SHA-256 of its token, in hexadecimal.
        email: Whom it was made for; empty for the first admin's.
        person_id: Whose account it opens; None if it makes one.
        role: What its user becomes; None if it changes no role.
    """

    digest: str = field(repr=False)
    kind: LinkKind
    email: str
    person_id: int | None
    role: str | None
    made_by: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class SignedIn:
    """One session of one person, on one device.

    Attributes:
        origin: The network address it was started from.
        agent: What the browser called itself then.
        seen_at: When it was last used, to the minute.
    """

    id: int
    digest: str = field(repr=False)
    person_id: int
    origin: str
    agent: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Presence:
    """On how many devices a person is signed in, and when one of them was last used."""

    sessions: int
    seen_at: datetime
