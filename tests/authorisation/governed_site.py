"""An api with some orders and a person of each role, and a stand-in for what the hub tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyticspro import clock
from analyticspro.accounts import Accounts, Person
from analyticspro.audit import Actor, AuditLog, AuditRow
from analyticspro.config import Home
from analyticspro.policies import Policies
from analyticspro.policy import Role
from analyticspro.state import State
from tests.api.server import Reply, Server, serving
from tests.authorisation.hub_double import HubDouble, doubling, model
from tests.metrics.shop import EVENTS, Shop

MACHINE = Actor("machine", "command line")


@dataclass
class GovernedSite:
    """What runs, and the four persons; the token of each is their role."""

    server: Server
    hub: HubDouble
    state: State
    people: dict[Role, Person]

    @property
    def policies(self) -> Policies:
        return Policies.of(self.server.home, self.state)

    def call(
        self, role: Role | str, method: str, path: str, body: Any = None, **more: str
    ) -> Reply:
        token = str(role) if role else ""
        return self.server.call(method, path, body, token=token, headers=more)

    def entries(self, action: str) -> list[AuditRow]:
        return AuditLog.of(self.server.home, self.state).newest(1_000, action=action)


def joined(home: Home, state: State, role: Role, name: str) -> Person:
    joining, now = Accounts.of(home, state, base_url="").joining, clock.now()
    email = f"{name.replace(' ', '.')}@acme.example"
    link = joining.invite(email, role, by=MACHINE, now=now)
    return joining.accept(link.token, name, "quiet harbour lantern 88", origin="here", now=now)


@contextmanager
def governed_site(folder: Path) -> Iterator[GovernedSite]:
    home = Home(folder / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    with State.open(home.state_address) as state, doubling(home) as hub:
        people = {role: joined(home, state, role, f"The {role}") for role in Role}
        hub.people = {str(role): model(one.username, role) for role, one in people.items()}
        with serving(home) as server:
            yield GovernedSite(server, hub, state, people)
