"""People with an account, each with a browser in which they have signed in."""

from __future__ import annotations

from itertools import count

from analyticspro import clock
from analyticspro.accounts import Accounts, Person
from analyticspro.audit import Actor
from analyticspro.config import Home
from analyticspro.policy import Role
from tests.hub.serving import Visitor

GOOD = "quiet harbour lantern 88"
MACHINE = Actor("machine", "command line")
_NUMBERS = count(1)


def joined(accounts: Accounts, role: Role, name: str = "Ada", email: str = "") -> Person:
    """Have somebody join."""
    now = clock.now()
    address = email or f"member{next(_NUMBERS)}@acme.example"
    link = accounts.joining.invite(address, role, by=MACHINE, now=now)
    return accounts.joining.accept(link.token, name, GOOD, origin="192.0.2.7", now=now)


class Member(Visitor):
    """A browser in which a person of a role is signed in."""

    def __init__(self, home: Home, accounts: Accounts, role: Role, name: str = "Ada") -> None:
        super().__init__(home)
        self.person = joined(accounts, role, name)
        answer = self.send_form("/hub/login", email=self.person.email, password=GOOD)
        assert answer.url.path == "/hub/home", answer.text
