"""How persons join: by signing up, by invitation, as the first admin."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from analyticspro.accounts import messages
from analyticspro.accounts.desk import Desk, OneTime, address, digest, name
from analyticspro.accounts.emails import domain_of
from analyticspro.accounts.rules import SignUp
from analyticspro.audit import Actor, Writing
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.policy import Role
from analyticspro.state import Link, LinkKind, LinkTable, PeopleTable, Person, Standing

__all__ = ["Joining", "NextStep"]

_JOINING = (LinkKind.INVITATION, LinkKind.FIRST_ADMIN)
_NOT_A_LINK = "This link was used already, or has expired. Ask for a new one."


class NextStep(StrEnum):
    """What who signed up does next. It depends on the rules alone, never on the address."""

    SIGN_IN = "sign_in"
    CONFIRM = "confirm"
    WAIT = "wait"


class Joining:
    """How persons join."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def sign_up(
        self, full_name: str, email: str, password: str, *, origin: str, now: datetime
    ) -> NextStep:
        """Make an account for a viewer, and return what comes next.

        Whether the address has an account already shows nowhere: the answer and the work are
        the same, and only who reads the mail of the address is told.

        Args:
            full_name: What the person is called.
            email: As it was typed.
            password: As it was typed.
            origin: The network address.
            now: When.

        Raises:
            DefinitionError: Name, address or password cannot be used.
            Forbidden: Not everybody may sign up.
            TooManyAttempts: Too often from there.
        """
        desk, actor = self._desk, Actor.anonymous(origin)
        called, found = name(full_name), address(email)
        self._check_open(found)
        desk.passwords.check(password, about=(called, found))
        desk.throttle.admit("sign_up", account=None, actor=actor, now=now)
        hashed = desk.passwords.hash(password)
        needs_approval = desk.rules.sign_up is SignUp.APPROVAL
        with desk.audit.writing(now) as writing:
            person = PeopleTable(writing.connection).add(
                email=found,
                name=called,
                role=str(Role.VIEWER),
                standing=Standing.WAITING if needs_approval else Standing.ACTIVE,
                password_hash=hashed,
                joined_at=now,
                changed_at=now,
            )
            if person is None:
                self._tell_of_existing(writing, found, actor)
            else:
                writing.note(actor, "people.sign_up", person.username, person.standing)
                self.ask_to_confirm(writing, person)
        if desk.outbox is not None:
            return NextStep.CONFIRM
        return NextStep.WAIT if needs_approval else NextStep.SIGN_IN

    def ask_to_confirm(self, writing: Writing, person: Person) -> None:
        """Mail a link that shows that mail reaches the person, where mail is set up."""
        if self._desk.outbox is None:
            return
        link = self._desk.link(
            writing,
            LinkKind.VERIFICATION,
            person.email,
            made_by=person.username,
            expires_at=writing.now + self._desk.rules.verification_life,
            person=person,
        )
        self._desk.mail(writing.connection, messages.verification(link), writing.now)

    def confirm(self, token: str, *, origin: str, now: datetime) -> Person:
        """Note that mail reaches the person whom the link was sent to; raises Forbidden."""
        with self._desk.audit.writing(now) as writing:
            link = LinkTable(writing.connection).use(digest(token), LinkKind.VERIFICATION, now=now)
            people = PeopleTable(writing.connection)
            person = people.get(link.person_id, lock=True) if link and link.person_id else None
            if person is not None:
                people.change(person.id, now=now, verified_at=now)
                writing.note(Actor(person.username, origin), "people.confirm", person.username)
        if person is None:
            raise Forbidden(_NOT_A_LINK)
        return person

    def invite(self, email: str, role: Role, *, by: Actor, now: datetime) -> OneTime:
        """Make an invitation, mail it where mail is set up, and return its link.

        An earlier one for the same address ends.

        Raises:
            DefinitionError: The address cannot be used, or has an account already.
        """
        desk, found = self._desk, address(email)
        with desk.audit.writing(now) as writing:
            if PeopleTable(writing.connection).find(found) is not None:
                raise DefinitionError(f"{found} has an account already. Change its role instead.")
            link = desk.link(
                writing,
                LinkKind.INVITATION,
                found,
                made_by=by.name,
                expires_at=now + desk.rules.invitation_life,
                role=str(role),
            )
            desk.mail(writing.connection, messages.invitation(link), now)
            writing.note(by, "people.invite", "invitation", str(role))
        return link

    def invitations(self) -> list[Link]:
        """Return the invitations that nobody has taken up, those that expired too."""
        with self._desk.state.reading() as connection:
            return LinkTable(connection).all(LinkKind.INVITATION)

    def withdraw(self, email: str, *, by: Actor, now: datetime) -> None:
        """End the invitation of an address; raises DefinitionError if there is none."""
        found = address(email)
        with self._desk.audit.writing(now) as writing:
            if not LinkTable(writing.connection).end(found, LinkKind.INVITATION):
                raise DefinitionError(f"There is no invitation for {found}.")
            writing.note(by, "people.withdraw", "invitation")

    def first_admin_link(self, *, now: datetime) -> OneTime | None:
        """Return a new link that makes an admin; None if there is an admin.

        The one before it ends: only what was printed last opens the door.
        """
        with self._desk.audit.writing(now) as writing:
            if PeopleTable(writing.connection).has_role(str(Role.ADMIN)):
                return None
            writing.note(Actor("service", "this machine"), "people.first_admin_link", "invitation")
            return self._desk.link(
                writing,
                LinkKind.FIRST_ADMIN,
                "",
                made_by="service",
                expires_at=now + self._desk.rules.first_admin_life,
                role=str(Role.ADMIN),
            )

    def see(self, token: str, *, now: datetime) -> Link:
        """Return an invitation, or the first admin's link, without using it.

        Raises:
            Forbidden: It was used, has expired, or never was.
        """
        with self._desk.state.reading() as connection:
            link = _seen(LinkTable(connection), token, now)
        if link is None:
            raise Forbidden(_NOT_A_LINK)
        return link

    def accept(
        self,
        token: str,
        full_name: str,
        password: str,
        *,
        email: str = "",
        origin: str,
        now: datetime,
    ) -> Person:
        """Make the account that a link promises, and end the link.

        Args:
            token: Of an invitation or of the first admin's link.
            full_name: What the person is called.
            password: As it was typed.
            email: Of the first admin; an invitation has its own.
            origin: The network address.
            now: When.

        Raises:
            Forbidden: The link was used, has expired, or never was.
            DefinitionError: Name, address or password cannot be used.
        """
        desk = self._desk
        link = self.see(token, now=now)
        called, found = name(full_name), link.email or address(email)
        desk.passwords.check(password, about=(called, found))
        hashed = desk.passwords.hash(password)
        with desk.audit.writing(now) as writing:
            person = self._joined(writing, link, called, found, hashed)
            if person is not None:
                reason = f"{link.role} by {link.kind} of {link.made_by}"
                writing.note(Actor(person.username, origin), "people.join", person.username, reason)
        if person is None:
            raise Forbidden(_NOT_A_LINK)
        return person

    def _joined(
        self, writing: Writing, link: Link, called: str, email: str, hashed: str
    ) -> Person | None:
        """Use the link and add the person; None if another was faster."""
        people = PeopleTable(writing.connection)
        if link.kind is LinkKind.FIRST_ADMIN and people.has_role(str(Role.ADMIN)):
            return None
        links = LinkTable(writing.connection)
        if links.use(link.digest, link.kind, now=writing.now) is None:
            return None
        person = people.add(
            email=email,
            name=called,
            role=link.role,
            standing=Standing.ACTIVE,
            password_hash=hashed,
            verified_at=writing.now,  # whoever holds the link was trusted with it
            joined_at=writing.now,
            changed_at=writing.now,
        )
        if person is None:
            raise DefinitionError("This address has an account already. Sign in instead.")
        return person

    def _check_open(self, email: str) -> None:
        rules = self._desk.rules
        if rules.sign_up is SignUp.INVITED:
            raise Forbidden("One joins by invitation here. Ask an admin for one.")
        if rules.domains and domain_of(email) not in rules.domains:
            raise Forbidden(
                f"Sign-up is open to addresses of {', '.join(rules.domains)}. "
                "Ask an admin for an invitation."
            )

    def _tell_of_existing(self, writing: Writing, email: str, actor: Actor) -> None:
        person = PeopleTable(writing.connection).find(email)
        subject = person.username if person else "unknown"
        writing.note(actor, "people.sign_up", subject, "has an account already", allowed=False)
        message = messages.already_joined(email, self._desk.base_url, writing.now)
        self._desk.mail(writing.connection, message, writing.now)


def _seen(table: LinkTable, token: str, now: datetime) -> Link | None:
    found = (table.see(digest(token), kind, now=now) for kind in _JOINING)
    return next((link for link in found if link is not None), None)
