"""Mails as they are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from analyticspro.errors import UnknownName
from analyticspro.state.mail_models import Mails
from analyticspro.state.mail_records import Mail, MailState

if TYPE_CHECKING:
    from analyticspro.state.database import State

__all__ = ["MailStore"]

_TABLE = Mails.__table__


class MailStore:
    """Queues mails, hands each to one worker at a time, and keeps how it ended."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, connection: Connection, **values: object) -> bool:
        """Queue a mail in the caller's transaction; False if its key is known already."""
        fresh = {"state": MailState.WAITING, "attempt": 0}
        try:
            with connection.begin_nested():
                connection.execute(insert(Mails), [fresh | values])
        except IntegrityError:  # of the key: nothing else here can clash
            return False
        return True

    def claim(self, owner: str, *, now: datetime, lease: timedelta) -> Mail | None:
        """Return the mail that is due the longest, for `owner` alone until the lease ends.

        Also one whose owner's lease has ended: whoever had it is gone.
        """
        is_due = (Mails.state == MailState.WAITING) & (Mails.not_before <= now)
        is_lost = (Mails.state == MailState.SENDING) & (Mails.lease_until <= now)
        query = select(Mails.id).where(is_due | is_lost).order_by(Mails.not_before, Mails.id)
        with self._state.writing() as connection:
            found = connection.scalar(query.limit(1).with_for_update(skip_locked=True))
            if found is None:
                return None
            claimed = connection.execute(
                update(Mails)
                .where(Mails.id == found)
                .values(
                    state=MailState.SENDING,
                    attempt=Mails.attempt + 1,
                    owner=owner,
                    lease_until=now + lease,
                )
                .returning(_TABLE)
            ).one()
            return Mail(**claimed._mapping)

    def sent(self, mail: Mail, *, now: datetime) -> bool:
        """Note that a claimed mail was taken; its content goes. False if the claim was lost."""
        return self._end(mail, state=MailState.SENT, content=None, ended_at=now, error=None)

    def retry(self, mail: Mail, error: str, *, at: datetime) -> bool:
        """Let a claimed mail wait until `at`; False if the claim was lost."""
        return self._end(mail, state=MailState.WAITING, not_before=at, error=error)

    def give_up(self, mail: Mail, error: str, *, now: datetime) -> bool:
        """Keep a claimed mail as dead; False if the claim was lost."""
        return self._end(mail, state=MailState.DEAD, ended_at=now, error=error)

    def _end(self, mail: Mail, **values: object) -> bool:
        mine = (Mails.id == mail.id) & (Mails.attempt == mail.attempt)
        with self._state.writing() as connection:
            done = connection.execute(
                update(Mails)
                .where(mine, Mails.owner == mail.owner, Mails.state == MailState.SENDING)
                .values(owner=None, lease_until=None, **values)
            )
            return done.rowcount == 1

    def resend(self, mail_id: int, *, attempts: int, now: datetime) -> None:
        """Let a dead mail wait again, with so many more attempts; raises UnknownName."""
        dead = Mails.state == MailState.DEAD
        with self._state.writing() as connection:
            done = connection.execute(
                update(Mails)
                .where(Mails.id == mail_id, dead)
                .values(
                    state=MailState.WAITING,
                    attempts_allowed=Mails.attempt + attempts,
                    not_before=now,
                    ended_at=None,
                )
            )
            if done.rowcount == 0:
                known = connection.scalars(select(Mails.id).where(dead))
                raise UnknownName.of("dead mail", str(mail_id), map(str, known))

    def keyed(self, key: str) -> Mail | None:
        """Return the mail of a key; None if there is none."""
        found = self._found(Mails.key == key, 1)
        return found[0] if found else None

    def all(
        self, states: Collection[MailState] = tuple(MailState), *, limit: int = 100
    ) -> list[Mail]:
        """Return the newest mails in these states, the newest first."""
        return self._found(Mails.state.in_(states), limit)

    def counts(self) -> dict[MailState, int]:
        """Return how many mails there are in each state."""
        query = select(Mails.state, func.count(Mails.id)).group_by(Mails.state)
        with self._state.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in MailState}

    def _found(self, wanted: ColumnElement[bool], limit: int) -> list[Mail]:
        query = select(_TABLE).where(wanted).order_by(Mails.id.desc()).limit(limit)
        with self._state.reading() as connection:
            return [Mail(**row._mapping) for row in connection.execute(query)]
