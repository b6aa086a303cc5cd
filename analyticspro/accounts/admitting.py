"""How persons come in whom a provider has signed in (OpenID Connect)."""

from __future__ import annotations

from datetime import datetime

from analyticspro.accounts.desk import Desk, address, digest, name, token
from analyticspro.accounts.emails import domain_of
from analyticspro.accounts.entering import NewSession, shown_agent
from analyticspro.accounts.provided import Proof, Provided
from analyticspro.audit import Actor, Writing
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.policy import Role
from analyticspro.state import IdentityTable, PeopleTable, Person, SessionTable, Standing

__all__ = ["Admitting"]

_REMOVED = "Your account here was removed. Ask an admin for an invitation."
_ANOTHER_S = (
    "Your address belongs to another account of the same provider. Ask an admin to remove the "
    "account here that had it before."
)


class Admitting:
    """Lets in whom a provider vouches for, with the role that it gives them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def admit(
        self, proof: Proof, provided: Provided, *, origin: str, agent: str = "", now: datetime
    ) -> NewSession:
        """Return a new session; whoever is here for the first time gets an account.

        The role is that of the claims each time, but the last admin stays one. A password that
        was chosen by who never showed that the address is theirs ends, with all sessions: it
        may be another's, who waited for this. So does any other but an admin's, which stays
        for the day on which the provider is down.

        Args:
            proof: What the provider says, checked already.
            provided: What the workspace asks of those who come so.
            origin: The network address.
            agent: What the browser calls itself.
            now: When.

        Raises:
            Forbidden: The claims let nobody in, or the account is another's.
        """
        try:
            role, email = _role(proof, provided), _address(proof, provided)
            text = token()
            with self._desk.audit.writing(now) as writing:
                person = self._person(writing, proof, email, role, origin)
                session = SessionTable(writing.connection).add(
                    digest=digest(text),
                    person_id=person.id,
                    origin=origin,
                    agent=shown_agent(agent),
                    started_at=now,
                    seen_at=now,
                    expires_at=now + provided.session_life,
                )
                actor = Actor(person.username, origin)
                writing.note(actor, "sign_in", person.username, "by the provider")
        except Forbidden as error:
            actor = Actor.anonymous(origin)
            self._desk.audit.record(
                actor, "sign_in", "unknown", f"provider: {error}", allowed=False, now=now
            )
            raise
        return NewSession(person, session, text)

    def _person(
        self, writing: Writing, proof: Proof, email: str, role: Role, origin: str
    ) -> Person:
        people = PeopleTable(writing.connection)
        admins = people.lock_with_role(str(Role.ADMIN))
        found = self._known(writing, proof, email)
        if found is None:
            added = people.add(
                email=email,
                name=_name(proof, email),
                role=str(role),
                standing=Standing.ACTIVE,
                password_hash=None,
                verified_at=writing.now,
                joined_at=writing.now,
                changed_at=writing.now,
            )
            if added is None:
                raise Forbidden(_ANOTHER_S)
            actor = Actor(added.username, origin)
            writing.note(actor, "people.join", added.username, f"{role} by the provider")
            IdentityTable(writing.connection).put(proof.issuer, proof.subject, added.id)
            return added
        kept = Role.ADMIN if admins == [found.id] else role
        self._change(writing, found, kept, origin)
        IdentityTable(writing.connection).put(proof.issuer, proof.subject, found.id)
        return people.get(found.id) or found

    def _known(self, writing: Writing, proof: Proof, email: str) -> Person | None:
        """Return whose account this is, locked; None if it is to be made."""
        people, identities = PeopleTable(writing.connection), IdentityTable(writing.connection)
        number = identities.find(proof.issuer, proof.subject)
        person = None if number is None else people.get(number, lock=True)
        if person is not None:
            return person
        by_address = people.find(email)
        if by_address is None:
            if number is not None:
                raise Forbidden(_REMOVED)
            return None
        if identities.is_known(by_address.id, proof.issuer):
            raise Forbidden(_ANOTHER_S)
        return people.get(by_address.id, lock=True)

    def _change(self, writing: Writing, person: Person, role: Role, origin: str) -> None:
        people, by = PeopleTable(writing.connection), Actor("provider", origin)
        changes: dict[str, object] = {}
        if person.role != role:
            changes["role"] = str(role)
            writing.note(by, "people.role", person.username, f"{person.role} → {role}")
        if person.standing is not Standing.ACTIVE:
            changes["standing"] = Standing.ACTIVE
            writing.note(by, "people.approve", person.username)
        is_proved = person.verified_at is not None
        keeps = is_proved and Role.ADMIN in (person.role, role)
        if person.password_hash is not None and not keeps:
            changes["password_hash"] = None
            SessionTable(writing.connection).end(person.id)
            writing.note(by, "password", person.username, "ended: the provider signs in")
        if not is_proved:
            changes["verified_at"] = writing.now
        if changes:
            people.change(person.id, now=writing.now, **changes)


def _role(proof: Proof, provided: Provided) -> Role:
    for claim, role in provided.roles:
        if claim in proof.groups:
            return role
    if provided.default is None:
        raise Forbidden(
            "Your account at the provider gives you no role here. Ask whoever looks after it "
            "there to put you into a group that has one."
        )
    return provided.default


def _address(proof: Proof, provided: Provided) -> str:
    if not proof.email or not proof.is_verified:
        raise Forbidden(
            "The provider does not say that your e-mail address was verified. Verify it there, "
            "then sign in again."
        )
    try:
        email = address(proof.email)
    except DefinitionError:
        raise Forbidden("The e-mail address that the provider tells cannot be used.") from None
    if provided.domains and domain_of(email) not in provided.domains:
        raise Forbidden(
            f"Only addresses of {', '.join(provided.domains)} come in by the provider. Sign in "
            "there with such an account."
        )
    return email


def _name(proof: Proof, email: str) -> str:
    try:
        return name(proof.name)
    except DefinitionError:
        return email.partition("@")[0]
