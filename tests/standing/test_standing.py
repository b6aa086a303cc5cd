"""All services of a workspace stand behind one address, and each falls and rises alone."""

from __future__ import annotations

import html
import os
import re
import signal

import httpx
import pytest

from analyticspro import clock, services
from analyticspro.accounts import Accounts
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role, places_of
from analyticspro.services import ServiceStatus, State
from analyticspro.services.processes import labs, supervisors
from tests.cli.terminal import run
from tests.hub.serving import Visitor
from tests.local import until
from tests.standing.conftest import ME, signed_in

# Asks who is there, and starts no kernel.
NO_PAGE = "/dashboards/no-such-page"


def pages(demo: Home, path: str) -> str:
    return f"{Addresses.of(demo).pages}{path}"


def status(demo: Home) -> dict[str, ServiceStatus]:
    return {one.name: one for one in services.status(demo)}


def is_in(visitor: Visitor, demo: Home) -> bool:
    """Whether the pages know who this is; else they have led to the hub's sign-in."""
    answer = visitor.get(pages(demo, NO_PAGE))
    assert (answer.status_code, answer.url.path) in ((404, NO_PAGE), (200, "/hub/login"))
    return answer.status_code == 404


def test_all_run_behind_one_address(demo: Home):
    found = status(demo)
    assert list(found) == ["api", "scheduler", "feeder", "dashboards", "proxy", "hub"]
    assert {(one.state, one.is_ready) for one in found.values()} == {(State.RUNNING, True)}
    assert services.address(demo) == f"http://localhost:{demo.settings.hub_port}"


def test_up_tells_what_to_open_and_how_to_be_each_role(demo: Home):
    told = run("up", home=demo.path)
    assert told.out.startswith(f"{services.address(demo)}/hub/enter?token=")
    for role in ("manager", "analyst", "viewer"):
        assert f"  {role:8} {services.address(demo)}/hub/enter?token=" in told.err
    with Visitor(demo) as visitor:
        path = told.out.strip().removeprefix(services.address(demo))
        assert visitor.send_form(path).url.path == "/hub/home"
        assert "ruth@demo.example" in visitor.get("/hub/account").text
        # It worked once.
        assert visitor.get(path).status_code == 403


def test_a_stranger_is_led_to_the_sign_in(demo: Home):
    with Visitor(demo) as stranger:
        assert not is_in(stranger, demo)
        kernel = "/api/kernels/00000000-0000-0000-0000-000000000000"
        assert stranger.get(pages(demo, kernel)).status_code == 401


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_the_pages_and_those_with_servers_a_lab(
    role: Role, demo: Home, accounts: Accounts
):
    with signed_in(demo, accounts, role) as visitor:
        assert is_in(visitor, demo)
        home = visitor.get("/hub/home").text
        assert pages(demo, "/dashboards/overview") in home
        has_lab = role in (Role.ADMIN, Role.ANALYST)
        assert ("JupyterLab" in home) is has_lab
        if not has_lab:
            [person] = [one for one in accounts.directory.all() if one.role == role]
            assert visitor.get(f"/hub/spawn/{person.username}").status_code == 403
            [xsrf] = [
                one.value or ""
                for one in visitor.cookies.jar
                if (one.name, one.path) == ("_xsrf", "/hub/")
            ]
            asked = visitor.post(
                f"/hub/api/users/{person.username}/server", headers={"X-XSRFToken": xsrf}
            )
            assert asked.status_code == 403, asked.text


def shown(visitor: httpx.Client, address: str) -> tuple[list[str], str]:
    """Return where the bar above a page leads, and the whole page."""
    page = html.unescape(visitor.get(address).text)
    [bar] = re.findall(r'<nav class="shell-menu".*?</nav>', page, re.DOTALL)
    return re.findall(r'href="([^"]+)"', bar), page


def test_the_bar_above_a_page_is_that_of_who_looks(demo: Home, accounts: Accounts):
    people = {one.role: one.name for one in accounts.directory.all()}
    address = pages(demo, "/dashboards/overview?period=last-month")
    hub = f"{Addresses.of(demo).public}/hub"
    figures = set()
    for role in Role:
        with signed_in(demo, accounts, role) as visitor:
            for _ in range(2):
                leads, page = shown(visitor, address)
                assert leads == [one.href for one in places_of(role, hub=hub, pages="")]
                assert {name for name in people.values() if name in page} == {people[role]}
            figures.add(re.findall(r'data-metric="revenue" data-value="([^"]+)"', page)[0])
    assert len(figures) == 1  # what is drawn is the same


def test_the_owner_s_link_shows_what_is_there_without_a_hub(demo: Home):
    link = run("link", home=demo.path).out.strip()
    with httpx.Client(follow_redirects=True, timeout=60) as owner:
        assert owner.get(link).status_code == 200
        leads, page = shown(owner, str(httpx.URL(link).join("/dashboards/overview")))
    assert leads == ["/dashboards/overview"]
    assert "/hub/" not in page.split("<main")[0]


def test_a_session_that_ends_ends_at_the_pages_too(demo: Home, accounts: Accounts):
    with signed_in(demo, accounts, Role.VIEWER) as visitor:
        assert is_in(visitor, demo)
        [person] = [one for one in accounts.directory.all() if one.role == Role.VIEWER]
        accounts.entering.sign_out_everywhere(person.id, by=ME, now=clock.now())
        until(lambda: not is_in(visitor, demo), seconds=10)


def test_who_signs_out_at_the_pages_is_led_to_do_so_at_the_hub(demo: Home, accounts: Accounts):
    with signed_in(demo, accounts, Role.VIEWER) as visitor:
        assert is_in(visitor, demo)
        there = visitor.post(pages(demo, "/signout"), headers={"Origin": Addresses.of(demo).pages})
        assert there.url.path == "/hub/logout"
        assert visitor.send_form("/hub/logout").url.path == "/hub/login"
        assert not is_in(visitor, demo)


@pytest.mark.parametrize(
    "killed",
    [
        "hub",
        "proxy",
        pytest.param("dashboards", marks=pytest.mark.soak),
        pytest.param("api", marks=pytest.mark.soak),
        pytest.param("scheduler", marks=pytest.mark.soak),
    ],
)
def test_one_that_is_killed_comes_back_and_the_others_answer(
    killed: str, demo: Home, accounts: Accounts
):
    with signed_in(demo, accounts, Role.VIEWER) as visitor:
        assert is_in(visitor, demo)
        before = status(demo)
        pid = before[killed].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        if killed == "hub":  # whoever was in stays in, and what is sent in is taken
            assert visitor.get(pages(demo, NO_PAGE)).status_code == 404
            assert httpx.get(f"{before['api'].address}/readyz").status_code == 200
        until(lambda: status(demo)[killed].is_ready and status(demo)[killed].pid != pid)
        now = status(demo)
        assert {name for name in now if now[name].pid != before[name].pid} == {killed}
        until(lambda: _stays_in(visitor, demo))


def _stays_in(visitor: Visitor, demo: Home) -> bool:
    try:
        return is_in(visitor, demo)
    except (httpx.HTTPError, AssertionError):
        return False  # the proxy does not know the way yet


def test_a_lab_that_a_killed_hub_left_ends_with_the_others(demo: Home, accounts: Accounts):
    with signed_in(demo, accounts, Role.ADMIN) as visitor:
        visitor.get("/hub/spawn")
        until(lambda: labs(demo), seconds=60)
        supervisor = supervisors(demo)[0]
        hub = status(demo)["hub"].pid
        assert hub is not None
        supervisor.kill()
        os.kill(hub, signal.SIGKILL)
        assert labs(demo) != []
        assert run("down", home=demo.path).code == 0
        assert labs(demo) == []
