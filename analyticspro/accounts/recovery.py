"""How a password is changed, and how one is had again."""

from __future__ import annotations

from datetime import datetime

from analyticspro.accounts import messages
from analyticspro.accounts.desk import Desk, OneTime, address, digest
from analyticspro.accounts.entering import Entering
from analyticspro.audit import Actor, Writing
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.state import (
    LinkKind,
    LinkTable,
    PeopleTable,
    Person,
    SessionTable,
    StrikeTable,
)

__all__ = ["Recovery"]

_BY_MAIL = "mail"


class Recovery:
    """How a password is changed, and how one is had again."""

    def __init__(self, desk: Desk, entering: Entering) -> None:
        self._desk, self._entering = desk, entering

    def change(
        self,
        person: Person,
        old: str,
        new: str,
        *,
        origin: str,
        now: datetime,
        keep: int | None = None,
    ) -> None:
        """Change one's own password; all sessions end `but` for the one to keep.

        Args:
            person: Whose.
            old: The password until now: a stolen session must not be enough.
            new: The next one.
            origin: The network address.
            now: When.
            keep: The session that goes on.

        Raises:
            Forbidden: The old one is wrong.
            TooManyAttempts: It was wrong too often.
            DefinitionError: The new one cannot be used.
        """
        desk = self._desk
        desk.passwords.check(new, about=(person.name, person.email))
        proved = self._entering.proved(person.email, old, what="password", origin=origin, now=now)
        hashed = desk.passwords.hash(new)
        actor = Actor(person.username, origin)
        with desk.audit.writing(now) as writing:
            fresh = PeopleTable(writing.connection).get(person.id, lock=True)
            is_still = fresh is not None and fresh.password_hash == proved.password_hash
            if fresh is not None and is_still:
                desk.throttle.succeeded(
                    StrikeTable(writing.connection),
                    "password",
                    account=person.email,
                    actor=actor,
                    now=now,
                )
                self._set(writing, fresh, hashed, actor, "changed", keep=keep)
        if not is_still:
            raise Forbidden("The password was changed meanwhile. Sign in again.")

    def ask(self, email: str, *, origin: str, now: datetime) -> None:
        """Mail a link for a new password to who has the address; say nothing if nobody has.

        Raises:
            DefinitionError: It is no address, or mail is not set up.
            TooManyAttempts: Too often.
        """
        desk, actor, found = self._desk, Actor.anonymous(origin), address(email)
        if desk.outbox is None:
            raise DefinitionError("Mail is not set up here. Ask an admin for a new password.")
        desk.throttle.admit("reset", account=found, actor=actor, now=now)
        with desk.audit.writing(now) as writing:
            person = PeopleTable(writing.connection).find(found)
            if person is not None and person.password_hash is None:
                person = None  # a provider signs them in, and says when no longer
            # A link is made either way, so that both take as long; one of nobody opens nothing.
            link = self._link(writing, found, person, _BY_MAIL)
            subject = person.username if person else "unknown"
            writing.note(actor, "reset.ask", subject, allowed=person is not None)
            if person is not None:
                desk.mail(writing.connection, messages.reset(link), now)

    def link(self, person_id: int, *, by: Actor, now: datetime) -> OneTime:
        """Return a link with which a person chooses a new password, for an admin to hand over.

        Raises:
            DefinitionError: There is no such person, or no longer.
        """
        with self._desk.audit.writing(now) as writing:
            person = PeopleTable(writing.connection).get(person_id)
            if person is None:
                raise DefinitionError("This person is not there any more.")
            writing.note(by, "reset.link", person.username)
            return self._link(writing, person.email, person, by.name)

    def reset(self, token: str, password: str, *, origin: str, now: datetime) -> Person:
        """Set a new password by a link, which ends with that; so do all sessions and locks.

        Raises:
            Forbidden: The link was used, has expired, or never was.
            DefinitionError: The password cannot be used; the link still holds.
        """
        desk = self._desk
        with desk.state.reading() as connection:
            seen = LinkTable(connection).see(digest(token), LinkKind.RESET, now=now)
            person = (
                PeopleTable(connection).get(seen.person_id) if seen and seen.person_id else None
            )
        if person is not None:
            desk.passwords.check(password, about=(person.name, person.email))
            hashed = desk.passwords.hash(password)
            with desk.audit.writing(now) as writing:
                person = self._reset(writing, digest(token), hashed, origin)
        if person is None:
            raise Forbidden("This link was used already, or has expired. Ask for a new one.")
        return person

    def _reset(self, writing: Writing, link_digest: str, hashed: str, origin: str) -> Person | None:
        link = LinkTable(writing.connection).use(link_digest, LinkKind.RESET, now=writing.now)
        people = PeopleTable(writing.connection)
        person = people.get(link.person_id, lock=True) if link and link.person_id else None
        if person is None or link is None:
            return None
        if link.made_by == _BY_MAIL and person.verified_at is None:
            people.change(person.id, now=writing.now, verified_at=writing.now)
        actor = Actor(person.username, origin)
        self._set(writing, person, hashed, actor, f"by a link of {link.made_by}", keep=None)
        return person

    def _set(
        self,
        writing: Writing,
        person: Person,
        hashed: str,
        actor: Actor,
        reason: str,
        *,
        keep: int | None,
    ) -> None:
        connection = writing.connection
        PeopleTable(connection).change(person.id, now=writing.now, password_hash=hashed)
        SessionTable(connection).end(person.id, but=keep)
        LinkTable(connection).end(person.email, LinkKind.RESET)
        self._desk.throttle.forgive(StrikeTable(connection), "sign_in", person.email)
        self._desk.mail(connection, messages.password_changed(person.email), writing.now)
        writing.note(actor, "password", person.username, reason)

    def _link(self, writing: Writing, email: str, person: Person | None, made_by: str) -> OneTime:
        return self._desk.link(
            writing,
            LinkKind.RESET,
            email,
            made_by=made_by,
            expires_at=writing.now + self._desk.rules.reset_life,
            person=person,
        )
