from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import pytest

from analyticspro.accounts import Accounts
from analyticspro.accounts import Person as Account
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.hub.members import Member, joined
from tests.hub.serving import Person, Visitor, serving


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


class Site:
    """A workspace whose hub signs people in by their accounts."""

    def __init__(self, home: Home, state: State) -> None:
        self.home = home
        self.accounts = Accounts.of(home, state, base_url=f"{Addresses.of(home).public}/hub")

    @cached_property
    def members(self) -> dict[Role, Member]:
        """One signed-in person of each role."""
        return {role: Member(self.home, self.accounts, role, f"The {role}") for role in Role}


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    home = Home(folder / "home").prepare()
    with serving(home, authenticator=""), State.open(home.state_address) as state:
        site = Site(home, state)
        yield site
        for one in vars(site).get("members", {}).values():
            one.close()


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all files that say SHARES_A_HUB: a hub takes long to start."""
    with _site(tmp_path_factory.mktemp("shared")) as site:
        yield site


@pytest.fixture(scope="module")
def gate_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    if getattr(request.module, "SHARES_A_HUB", False):
        yield request.getfixturevalue("shared_site")
        return
    with _site(tmp_path_factory.mktemp("gate")) as site:
        yield site


@pytest.fixture(scope="module")
def gate(gate_site: Site) -> Home:
    """A workspace whose hub signs people in by their accounts."""
    return gate_site.home


@pytest.fixture(scope="module")
def accounts(gate_site: Site) -> Accounts:
    """Its accounts, as another process has them open."""
    return gate_site.accounts


@pytest.fixture(scope="module")
def members(gate_site: Site) -> dict[Role, Member]:
    """One signed-in person of each role."""
    return gate_site.members


@pytest.fixture
def visit(gate: Home) -> Iterator[Callable[..., Visitor]]:
    """Another browser each time."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(Visitor(gate, **more))


@pytest.fixture
def add(accounts: Accounts) -> Callable[..., Account]:
    """Have somebody join."""
    return lambda role=Role.VIEWER: joined(accounts, role)
