"""How persons come in, and who is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from analyticspro.accounts.desk import Desk, digest, token
from analyticspro.accounts.emails import normalised
from analyticspro.accounts.joining import Joining
from analyticspro.audit import Actor, Writing
from analyticspro.errors import Forbidden, UnknownName
from analyticspro.state import (
    PeopleTable,
    Person,
    SessionTable,
    SignedIn,
    Standing,
    StrikeTable,
)

__all__ = ["Entering", "NewSession", "begun", "shown_agent"]

_WHAT = "sign_in"
_WRONG = "The e-mail address or the password is wrong."
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_AGENT = 200


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun. This is the only time that its token is to be had."""

    person: Person
    session: SignedIn
    token: str = field(repr=False)


class Entering:
    """How persons come in, and who is in."""

    def __init__(self, desk: Desk, joining: Joining) -> None:
        self._desk, self._joining = desk, joining

    def sign_in(
        self, email: str, password: str, *, origin: str, agent: str = "", now: datetime
    ) -> NewSession:
        """Return a new session.

        An address that nobody has costs the same time and gives the same answer as a wrong
        password. That an account waits for something, only its password tells.

        Args:
            email: As it was typed.
            password: As it was typed.
            origin: The network address.
            agent: What the browser calls itself; shown in the list of sessions.
            now: When.

        Raises:
            Forbidden: They do not fit, or the account waits for something.
            TooManyAttempts: Too often for this account, or from this address.
        """
        person = self.proved(email, password, what=_WHAT, origin=origin, now=now)
        waits_for = self._waits_for(person, origin, now)
        if waits_for:
            raise Forbidden(waits_for)
        return self._begun(person, password, email, Actor(person.username, origin), agent, now)

    def proved(self, email: str, password: str, *, what: str, origin: str, now: datetime) -> Person:
        """Return whose address and password these are; raises as `sign_in` does.

        Args:
            email: As it was typed.
            password: As it was typed.
            what: What it is tried for: each has a count of its own.
            origin: The network address.
            now: When.
        """
        desk, actor = self._desk, Actor.anonymous(origin)
        account = _account(email)
        desk.throttle.admit(what, account=account, actor=actor, now=now)
        with desk.state.reading() as connection:
            person = PeopleTable(connection).find(account)
        if not desk.passwords.is_right(person.password_hash if person else None, password):
            subject = person.username if person else "unknown"
            desk.audit.record(actor, what, subject, "wrong", allowed=False, now=now)
            raise Forbidden(_WRONG)
        assert person is not None
        return person

    def session(self, text: str, *, now: datetime) -> tuple[Person, SignedIn] | None:
        """Return who holds a session's token; None if it ended, or never began."""
        with self._desk.state.reading() as connection:
            found = SessionTable(connection).find(digest(text))
            person = PeopleTable(connection).get(found.person_id) if found else None
        if found is None or person is None or person.standing is not Standing.ACTIVE:
            return None
        if now >= found.expires_at or now >= found.seen_at + self._desk.rules.session_idle:
            return None
        if now >= found.seen_at + _SEEN_EVERY:
            with self._desk.state.writing() as connection:
                SessionTable(connection).touch(found.id, now=now)
        return person, found

    def sessions(self, person_id: int) -> list[SignedIn]:
        """Return a person's sessions, the one used last first."""
        with self._desk.state.reading() as connection:
            return SessionTable(connection).of(person_id)

    def sign_out(self, text: str, *, origin: str, now: datetime) -> None:
        """End the session of a token; one that has ended is no error."""
        with self._desk.audit.writing(now) as writing:
            table = SessionTable(writing.connection)
            found = table.find(digest(text))
            if found is not None and table.end(found.person_id, session_id=found.id):
                who = f"p{found.person_id}"
                writing.note(Actor(who, origin), "sign_out", who)

    def revoke(self, person_id: int, session_id: int, *, by: Actor, now: datetime) -> None:
        """End one of a person's sessions; raises UnknownName if it is not one of theirs."""
        with self._desk.audit.writing(now) as writing:
            table = SessionTable(writing.connection)
            if not table.end(person_id, session_id=session_id):
                known = [str(session.id) for session in table.of(person_id)]
                raise UnknownName.of("session", str(session_id), known)
            writing.note(by, "sessions.revoke", f"p{person_id}", f"session {session_id}")

    def sign_out_everywhere(
        self, person_id: int, *, by: Actor, now: datetime, but: int | None = None
    ) -> int:
        """End all sessions of a person, `but` one perhaps; return how many there were."""
        with self._desk.audit.writing(now) as writing:
            ended = SessionTable(writing.connection).end(person_id, but=but)
            writing.note(by, "sessions.revoke_all", f"p{person_id}", f"{ended} ended")
        return ended

    def _waits_for(self, person: Person, origin: str, now: datetime) -> str | None:
        """Return what an account waits for; None if it may come in."""
        is_unconfirmed = self._desk.outbox is not None and person.verified_at is None
        if person.standing is Standing.ACTIVE and not is_unconfirmed:
            return None
        is_suspended = person.standing is Standing.SUSPENDED
        told = (
            "This account is suspended. Ask an admin."
            if is_suspended
            else "The account waits for an admin's approval."
        )
        with self._desk.audit.writing(now) as writing:
            if is_unconfirmed and not is_suspended:
                told = "Confirm your e-mail address first. We have just sent you a new link."
                self._joining.ask_to_confirm(writing, person)
            actor = Actor(person.username, origin)
            reason = "unconfirmed" if is_unconfirmed else "waits for approval"
            reason = "suspended" if is_suspended else reason
            writing.note(actor, _WHAT, person.username, reason, allowed=False)
        return told

    def _begun(
        self, person: Person, password: str, email: str, actor: Actor, agent: str, now: datetime
    ) -> NewSession:
        desk = self._desk
        assert person.password_hash is not None
        is_dated = desk.passwords.is_dated(person.password_hash)
        rehashed = desk.passwords.hash(password) if is_dated else None
        session = None
        with desk.audit.writing(now) as writing:
            people = PeopleTable(writing.connection)
            fresh = people.get(person.id, lock=True)
            if fresh is not None and fresh.password_hash == person.password_hash:
                if rehashed is not None:
                    people.change(person.id, now=now, password_hash=rehashed)
                strikes = StrikeTable(writing.connection)
                desk.throttle.succeeded(
                    strikes, _WHAT, account=_account(email), actor=actor, now=now
                )
                session = begun(desk, writing, fresh, actor, agent)
                writing.note(actor, _WHAT, person.username)
        if session is None:  # removed, or changed, while we compared
            raise Forbidden(_WRONG)
        return session


def begun(desk: Desk, writing: Writing, person: Person, actor: Actor, agent: str) -> NewSession:
    """Return a new session of somebody who has shown who they are."""
    text = token()
    session = SessionTable(writing.connection).add(
        digest=digest(text),
        person_id=person.id,
        origin=actor.origin,
        agent=shown_agent(agent),
        started_at=writing.now,
        seen_at=writing.now,
        expires_at=writing.now + desk.rules.session_life,
    )
    return NewSession(person, session, text)


def _account(email: str) -> str:
    """Return what is counted and looked up for what was typed; nobody has what is no address."""
    try:
        return normalised(email)
    except ValueError:
        return email


def shown_agent(agent: str) -> str:
    """Return what a browser calls itself so that it can be shown and kept."""
    return "".join(c for c in agent if c.isprintable())[:_LONGEST_AGENT]
