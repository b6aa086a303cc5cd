"""People to try the four roles as: made up, in demo workspaces that only this machine reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from analyticspro.accounts.desk import Desk, OneTime, digest
from analyticspro.accounts.entering import NewSession, begun
from analyticspro.audit import Actor
from analyticspro.config import Home, is_loopback
from analyticspro.errors import Forbidden
from analyticspro.policy import Role
from analyticspro.state import Link, LinkKind, LinkTable, PeopleTable, Person, Standing

__all__ = ["Trying", "is_for_trying"]

_LIFE = timedelta(hours=12)
_PEOPLE = {
    Role.ADMIN: ("Ruth Alder", "ruth@demo.example"),
    Role.MANAGER: ("Mara Finch", "mara@demo.example"),
    Role.ANALYST: ("Ada Byron", "ada@demo.example"),
    Role.VIEWER: ("Vera Quist", "vera@demo.example"),
}
_ONLY_DEMOS = (
    "Links that sign in as a made-up person are for demo workspaces that only this machine "
    "reaches. Invite people instead: analyticspro people invite EMAIL --role ROLE"
)
_NOT_A_LINK = "This link was used already, or has expired. 'analyticspro link --as' prints another."


def is_for_trying(home: Home) -> bool:
    """Return whether a workspace is a demo that only this machine reaches."""
    settings = home.settings
    return settings.demo and is_loopback(settings.host) and not settings.public_url


class Trying:
    """People to try the four roles as.

    They have no password: whoever has the machine gets a link that signs in one browser, once.
    """

    def __init__(self, desk: Desk, *, is_open: Callable[[], bool]) -> None:
        self._desk, self._is_open = desk, is_open

    def link(self, role: Role, *, by: Actor, now: datetime) -> OneTime:
        """Return a new link that signs in as the made-up person of a role; the one before ends.

        Raises:
            Forbidden: The workspace is no demo, or other machines reach it.
        """
        self._check_open()
        name, email = _PEOPLE[role]
        with self._desk.audit.writing(now) as writing:
            people = PeopleTable(writing.connection)
            person = people.find(email) or people.add(
                email=email,
                name=name,
                role=str(role),
                standing=Standing.ACTIVE,
                password_hash=None,
                verified_at=now,
                joined_at=now,
                changed_at=now,
            )
            assert person is not None, "it was found, or was not there to be in the way"
            writing.note(by, "people.try", person.username, f"link to try the role {person.role}")
            return self._desk.link(
                writing,
                LinkKind.ENTRY,
                email,
                made_by=by.name,
                expires_at=now + _LIFE,
                person=person,
            )

    def see(self, token: str, *, now: datetime) -> Person:
        """Return whom a link signs in, without using it; raises Forbidden if it does not."""
        self._check_open()
        with self._desk.state.reading() as connection:
            link = LinkTable(connection).see(digest(token), LinkKind.ENTRY, now=now)
            return _whose(link, PeopleTable(connection))

    def enter(self, token: str, *, origin: str, agent: str = "", now: datetime) -> NewSession:
        """Use a link, and return the session that it begins; raises as `see` does."""
        self._check_open()
        with self._desk.audit.writing(now) as writing:
            link = LinkTable(writing.connection).use(digest(token), LinkKind.ENTRY, now=now)
            person = _whose(link, PeopleTable(writing.connection))
            actor = Actor(person.username, origin)
            writing.note(actor, "sign_in", person.username, "by a link, in a demo")
            return begun(self._desk, writing, person, actor, agent)

    def _check_open(self) -> None:
        if not self._is_open():
            raise Forbidden(_ONLY_DEMOS)


def _whose(link: Link | None, people: PeopleTable) -> Person:
    person = people.get(link.person_id) if link is not None and link.person_id else None
    if person is None or person.standing is not Standing.ACTIVE:
        raise Forbidden(_NOT_A_LINK)
    return person
