"""A demo workspace whose services all run, as `analyticspro up` starts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.cli.terminal import run
from tests.hub.serving import Visitor
from tests.local import free_ports, until

ME = Actor("machine:test", "here")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("demo") / "home").prepare()
    home.write_settings(**free_ports())
    loaded = run("demo", "--events", "2000", home=home.path)
    assert loaded.code == 0, loaded.err
    started = run("up", home=home.path)
    try:
        assert started.code == 0, started.err
        yield Home(home.path)
    finally:
        run("down", home=home.path)


@pytest.fixture
def accounts(demo: Home) -> Iterator[Accounts]:
    with State.open(demo.state_address) as state:
        yield Accounts.of(demo, state, base_url=f"{Addresses.of(demo).public}/hub")


@contextmanager
def signed_in(demo: Home, accounts: Accounts, role: Role) -> Iterator[Visitor]:
    """A browser in which the made-up person of a role has signed in."""
    link = accounts.trying.link(role, by=ME, now=clock.now())
    with Visitor(demo) as visitor:
        until(lambda: _answers(visitor), seconds=60)  # another test may have killed the proxy
        home = visitor.send_form(link.url.removeprefix(Addresses.of(demo).public))
        assert home.url.path == "/hub/home", home.text
        yield visitor


def _answers(visitor: Visitor) -> bool:
    try:
        return visitor.get("/hub/login").status_code < 400
    except httpx.HTTPError:
        return False
