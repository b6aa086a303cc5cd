"""Whom a question about policies is about, and a change is tried on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from analyticspro.errors import UnknownName
from analyticspro.policies.policies import Policies
from analyticspro.policy import Role, Scope
from analyticspro.state import PeopleTable, Person, Standing, State

__all__ = ["Seer", "admins", "seer"]

_USERNAME = re.compile(r"p([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Seer:
    """Somebody, or everybody of a role, with what they are granted.

    Attributes:
        name: What the hub calls them, such as `p12`; of a role its name.
        title: As a person reads it.
        role: None if they have none, and so no capability.
        scope: What they see.
    """

    name: str
    title: str
    role: Role | None
    scope: Scope


def seer(state: State, policies: Policies, who: str, *, now: datetime) -> Seer:
    """Return whom `who` names: a role, a username such as `p12`, or an e-mail address.

    Raises:
        UnknownName: Nobody.
    """
    asked = who.strip().removeprefix("role:").removeprefix("person:")
    if asked in list(Role):
        role = Role.of(asked)
        scope = replace(policies.scope("", role, now=now), name=asked)
        return Seer(asked, f"every {asked}", role, scope)
    person = _person(state, asked)
    role = Role.of(person.role)
    # Who waits for an admin's approval cannot come in, and sees nothing by whatever is granted.
    found = policies.scope(person.username, role, now=now)
    scope = found if person.standing is Standing.ACTIVE else Scope(person.username)
    return Seer(person.username, f"{person.name} ({person.username})", role, scope)


def admins(state: State) -> tuple[str, ...]:
    """Return the names of those who can grant something."""
    with state.reading() as connection:
        people = PeopleTable(connection).all()
    wanted = (str(Role.ADMIN), Standing.ACTIVE)
    return tuple(one.name for one in people if (one.role, one.standing) == wanted)


def _person(state: State, asked: str) -> Person:
    found = _USERNAME.fullmatch(asked)
    with state.reading() as connection:
        people = PeopleTable(connection)
        if found is None:
            return people.named(asked.lower())
        person = people.get(int(found[1]))
        if person is None:
            raise UnknownName.of("person", asked, [one.username for one in people.all()])
        return person
