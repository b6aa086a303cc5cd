"""What all that is done with accounts needs."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from analyticspro.accounts.emails import normalised
from analyticspro.accounts.passwords import Passwords
from analyticspro.accounts.rules import Rules
from analyticspro.accounts.strikes import Throttle
from analyticspro.audit import AuditLog, Writing
from analyticspro.errors import DefinitionError
from analyticspro.outbox import Message, Outbox
from analyticspro.state import Link, LinkKind, LinkTable, Person, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Desk", "OneTime", "address", "digest", "name", "token"]

# The pages that links lead to, below the base address.
_PAGES = {
    LinkKind.ENTRY: "enter",
    LinkKind.FIRST_ADMIN: "join",
    LinkKind.INVITATION: "join",
    LinkKind.RESET: "reset",
    LinkKind.VERIFICATION: "confirm",
}
_LONGEST_NAME = 100


@dataclass(frozen=True)
class OneTime:
    """A new one-time link. This is the only time that its token is to be had."""

    kind: LinkKind
    email: str
    token: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Desk:
    """What all that is done with accounts needs.

    Attributes:
        outbox: Where mail is queued; None where no mail server is set, and links are handed
            over by an admin.
        base_url: The address that links begin with, without a slash at the end.
    """

    state: State
    audit: AuditLog
    rules: Rules
    passwords: Passwords
    throttle: Throttle
    outbox: Outbox | None
    base_url: str

    def link(
        self,
        writing: Writing,
        kind: LinkKind,
        email: str,
        *,
        made_by: str,
        expires_at: datetime,
        person: Person | None = None,
        role: str | None = None,
    ) -> OneTime:
        """Make a one-time link, in place of those of its kind that `email` had."""
        text = token()
        link = Link(
            digest(text),
            kind,
            email,
            None if person is None else person.id,
            role,
            made_by,
            writing.now,
            expires_at,
        )
        LinkTable(writing.connection).add(link)
        url = f"{self.base_url}/{_PAGES[kind]}?{urlencode({'token': text})}"
        return OneTime(kind, email, text, url, expires_at)

    def mail(self, connection: Connection, message: Message, now: datetime) -> None:
        """Queue a mail, where there is a server for it."""
        if self.outbox is not None:
            self.outbox.enqueue(connection, message, now=now)


def token() -> str:
    """Return 256 random bits, to be put into a link or a cookie."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Return what is kept of a token: it is random, so nothing slower is needed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def address(email: str) -> str:
    """Return an e-mail address normalised; raises DefinitionError if it is none."""
    try:
        return normalised(email)
    except ValueError:
        raise DefinitionError(
            "This is no e-mail address that can be used. Write one such as ada@acme.example."
        ) from None


def name(text: str) -> str:
    """Return a person's name as it is kept; raises DefinitionError."""
    plain = " ".join(text.split())
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        raise DefinitionError(
            f"This is no name that can be used. Write 1 to {_LONGEST_NAME} characters."
        )
    return plain
