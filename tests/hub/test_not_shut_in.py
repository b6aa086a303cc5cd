"""Where code cannot be shut in: admins alone get a Lab, and are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.audit import Actor
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role
from analyticspro.state import State
from tests.hub.serving import Visitor, serving
from tests.local import until

GOOD = "quiet harbour lantern 88"
OBSTACLE = 'c.SandboxSpawner.obstacle = "No <namespaces>. Get a kernel."\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("open") / "home").prepare()
    with serving(home, authenticator=OBSTACLE):
        yield home


def arrived(home: Home, role: Role) -> tuple[Visitor, str]:
    """Return a browser of a new person of `role`, at the hub's home page, and their name."""
    with State.open(home.state_address) as state:
        accounts = Accounts.of(home, state, base_url=f"{Addresses.of(home).public}/hub")
        now, by = clock.now(), Actor("machine", "command line")
        link = accounts.joining.invite(f"{role}@acme.example", role, by=by, now=now)
        person = accounts.joining.accept(link.token, "Ada", GOOD, origin="192.0.2.7", now=now)
    visitor = Visitor(home)
    visitor.send_form("/hub/login", email=person.email, password=GOOD)
    return visitor, person.username


def test_an_admin_gets_a_lab_and_the_home_page_says_what_it_is(home: Home):
    browser, name = arrived(home, Role.ADMIN)
    with closing(browser):
        start = browser.get("/hub/home").text
        assert "JupyterLab is not shut in" in start
        assert "No &lt;namespaces&gt;. Get a kernel." in start
        xsrf = next(o.value for o in browser.cookies.jar if (o.name, o.path) == ("_xsrf", "/hub/"))
        headers = {"X-XSRFToken": xsrf or ""}
        answer = browser.post(f"/hub/api/users/{name}/server", json={}, headers=headers)
        assert answer.status_code in (201, 202), answer.text
        lab = f"http://{name}.localhost:{home.settings.hub_port}/user/{name}"
        until(lambda: "jupyter-config-data" in browser.get(f"{lab}/lab").text, 60)
        assert "custom/custom.css" in browser.get(f"{lab}/lab").text
        assert "Not shut in" in browser.get(f"{lab}/custom/custom.css").text


def test_an_analyst_is_told_and_gets_none(home: Home):
    browser, _ = arrived(home, Role.ANALYST)
    with closing(browser):
        assert "JupyterLab is for admins only here" in browser.get("/hub/home").text
        assert "cannot be shut in" in browser.get("/hub/spawn").text
