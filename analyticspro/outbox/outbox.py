"""Where mail is queued, and seen until it is sent."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from analyticspro.outbox.message import Message, composed, sender_of
from analyticspro.state import Mail, MailState, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Outbox"]

_MOST_ATTEMPTS = 14  # over about two days, see Worker


class Outbox:
    """The queue. A message that is queued in a transaction is sent if that is committed."""

    def __init__(self, state: State, *, sender: str) -> None:
        """Take mail to be sent in the name of `sender`; raises SettingError if that is none."""
        self._state = state
        self._sender = sender_of(sender)

    def enqueue(
        self,
        connection: Connection,
        message: Message,
        *,
        now: datetime,
        attempts: int = _MOST_ATTEMPTS,
    ) -> bool:
        """Queue `message` in the caller's transaction; False if its key is known already.

        Args:
            connection: Of the caller's transaction.
            message: What to send.
            now: When that is, UTC.
            attempts: How often it is tried at most.

        Raises:
            DefinitionError: It cannot be written as a mail.
        """
        message_id = f"<{secrets.token_hex(16)}@{self._sender.domain}>"
        return self._state.mails.add(
            connection,
            message_id=message_id,
            key=message.key,
            kind=message.kind,
            recipient=message.recipient,
            subject=message.subject,
            content=composed(message, self._sender, message_id, now),
            attempts_allowed=attempts,
            not_before=now,
            queued_at=now,
        )

    def mails(
        self, states: Collection[MailState] = tuple(MailState), *, limit: int = 100
    ) -> list[Mail]:
        """Return the newest mails in these states, the newest first."""
        return self._state.mails.all(states, limit=limit)

    def counts(self) -> dict[MailState, int]:
        """Return how many mails there are in each state."""
        return self._state.mails.counts()

    def resend(self, mail_id: int, *, now: datetime) -> None:
        """Try a dead mail again, as often as a new one; raises UnknownName."""
        self._state.mails.resend(mail_id, attempts=_MOST_ATTEMPTS, now=now)
