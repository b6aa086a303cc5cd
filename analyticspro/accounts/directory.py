"""Who there is, with which role; for admins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from analyticspro.accounts import messages
from analyticspro.accounts.desk import Desk, address, name
from analyticspro.audit import Actor, Writing
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.policy import Role
from analyticspro.state import (
    LinkKind,
    LinkTable,
    PeopleTable,
    Person,
    Presence,
    SessionTable,
    Standing,
)

__all__ = ["Directory", "LastAdmin"]


_USERNAME = re.compile(r"p([1-9][0-9]{0,8})")


class LastAdmin(DefinitionError):
    """Nobody would be left who could let others in."""

    code = "last_admin"


class Directory:
    """Who there is. Whether the caller may change it, the caller has to have asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def all(self) -> list[Person]:
        """Return everybody, by e-mail address."""
        with self._desk.state.reading() as connection:
            return PeopleTable(connection).all()

    def present(self, *, now: datetime) -> dict[int, Presence]:
        """Return who is signed in now, by number, on how many devices and when last seen."""
        idle_since = now - self._desk.rules.session_idle
        with self._desk.state.reading() as connection:
            return SessionTable(connection).present(now=now, idle_since=idle_since)

    def get(self, person_id: int) -> Person | None:
        """Return a person; None if there is no such, or no longer."""
        with self._desk.state.reading() as connection:
            return PeopleTable(connection).get(person_id)

    def named(self, email: str) -> Person:
        """Return who has this address; raises UnknownName."""
        with self._desk.state.reading() as connection:
            return PeopleTable(connection).named(address(email))

    def of_username(self, username: str) -> Person | None:
        """Return the person whom the hub calls so; None if there is no such, or no longer."""
        found = _USERNAME.fullmatch(username)
        return None if found is None else self.get(int(found[1]))

    def set_role(self, person_id: int, role: Role, *, by: Actor, now: datetime) -> None:
        """Give a person another role; raises LastAdmin if no admin would be left."""
        with self._changing(person_id, "people.role", by, now) as (writing, person):
            if role is not Role.ADMIN:
                _check_not_last(writing, person)
            PeopleTable(writing.connection).change(person.id, now=now, role=str(role))
            writing.note(by, "people.role", person.username, f"{person.role} → {role}")

    def approve(self, person_id: int, *, by: Actor, now: datetime) -> None:
        """Let somebody in who waits for it."""
        with self._changing(person_id, "people.approve", by, now) as (writing, person):
            if person.standing is not Standing.WAITING:
                return
            active = Standing.ACTIVE
            PeopleTable(writing.connection).change(person.id, now=now, standing=active)
            message = messages.approved(person.email, self._desk.base_url)
            self._desk.mail(writing.connection, message, now)
            writing.note(by, "people.approve", person.username)

    def suspend(self, person_id: int, *, by: Actor, now: datetime) -> None:
        """Shut a person out, with all sessions, until `reactivate`; raises LastAdmin."""
        with self._changing(person_id, "people.suspend", by, now) as (writing, person):
            _check_not_last(writing, person)
            SessionTable(writing.connection).end(person.id)
            LinkTable(writing.connection).end(person.email, LinkKind.RESET)
            shut_out = Standing.SUSPENDED
            PeopleTable(writing.connection).change(person.id, now=now, standing=shut_out)
            writing.note(by, "people.suspend", person.username)

    def reactivate(self, person_id: int, *, by: Actor, now: datetime) -> None:
        """Let somebody in again who was shut out."""
        with self._changing(person_id, "people.reactivate", by, now) as (writing, person):
            if person.standing is not Standing.SUSPENDED:
                return
            active = Standing.ACTIVE
            PeopleTable(writing.connection).change(person.id, now=now, standing=active)
            writing.note(by, "people.reactivate", person.username)

    def rename(self, person_id: int, full_name: str, *, by: Actor, now: datetime) -> None:
        """Change what a person is called; raises DefinitionError if it is no name."""
        called = name(full_name)
        with self._changing(person_id, "people.rename", by, now) as (writing, person):
            PeopleTable(writing.connection).change(person.id, now=now, name=called)
            writing.note(by, "people.rename", person.username)

    def remove(self, person_id: int, *, by: Actor, now: datetime) -> None:
        """Remove a person, with sessions, links and password; raises LastAdmin.

        The number stays taken, so that what the audit log tells of it stays true. The address
        may join again, as another person.
        """
        with self._changing(person_id, "people.remove", by, now) as (writing, person):
            _check_not_last(writing, person)
            SessionTable(writing.connection).end(person.id)
            LinkTable(writing.connection).end_of(person.id, person.email)
            PeopleTable(writing.connection).change(
                person.id, now=now, removed_at=now, password_hash=None, verified_at=None
            )
            writing.note(by, "people.remove", person.username, person.role)

    @contextmanager
    def _changing(
        self, person_id: int, action: str, by: Actor, now: datetime
    ) -> Iterator[tuple[Writing, Person]]:
        """Give a transaction in which admins and the person do not change otherwise."""
        try:
            with self._desk.audit.writing(now) as writing:
                people = PeopleTable(writing.connection)
                people.lock_with_role(str(Role.ADMIN))
                person = people.get(person_id, lock=True)
                if person is None:
                    known = [str(found.id) for found in people.all()]
                    raise UnknownName.of("person", str(person_id), known)
                yield writing, person
        except LastAdmin as error:
            self._desk.audit.record(by, action, f"p{person_id}", str(error), allowed=False, now=now)
            raise


def _check_not_last(writing: Writing, person: Person) -> None:
    admins = PeopleTable(writing.connection).lock_with_role(str(Role.ADMIN))
    if admins == [person.id]:
        raise LastAdmin("This is the last admin. Make somebody else an admin first.")
