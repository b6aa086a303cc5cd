from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyticspro.accounts import Accounts
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.hub.members import Member
from tests.hub.serving import Person, serving


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("hub") / "home").prepare()
    with serving(home):
        yield home


@pytest.fixture(scope="module")
def people(hub: Home) -> Iterator[dict[str, Person]]:
    """Everybody, signed in."""
    found = {name: Person(hub, name) for name in ("vera", "mara", "ada", "root", "nil")}
    for one in found.values():
        assert one.sign_in().status_code == 200
    yield found
    for one in found.values():
        one.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A workspace whose hub signs people in by their accounts."""
    home = Home(tmp_path_factory.mktemp("gate") / "home").prepare()
    with serving(home, authenticator=""):
        yield home


@pytest.fixture(scope="module")
def accounts(gate: Home) -> Iterator[Accounts]:
    """Its accounts, as another process has them open."""
    with State.open(gate.state_address) as state:
        yield Accounts.of(gate, state, base_url=f"{Addresses.of(gate).public}/hub")


@pytest.fixture(scope="module")
def members(gate: Home, accounts: Accounts) -> Iterator[dict[Role, Member]]:
    """One signed-in person of each role."""
    found = {role: Member(gate, accounts, role, f"The {role}") for role in Role}
    yield found
    for one in found.values():
        one.close()
