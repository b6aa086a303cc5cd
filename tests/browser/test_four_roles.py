"""A demo is started, and each of the four roles signs in with a link in a real browser."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

import analyticspro as ap
from analyticspro import services
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role
from tests.cli.terminal import run
from tests.local import free_ports

pytestmark = pytest.mark.browser
SECONDS = 90_000
PERIOD = "last-month"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A demo in which viewers see revenue of one country alone."""
    home = Home(tmp_path_factory.mktemp("roles") / "home").prepare()
    home.write_settings(**free_ports())
    assert run("demo", "--events", "20000", home=home.path).code == 0
    grants = run("policies", "list", "--format", "json", home=home.path).json
    for grant in grants:
        if grant["holder"] == "role:viewer":
            assert run("policies", "withdraw", str(grant["number"]), home=home.path).code == 0
    for tag in ([], ["--tag", "revenue"]):
        words = ["--role", "viewer", *tag, "--where", "country=Germany", "--aggregates-only"]
        assert run("policies", "grant", *words, home=home.path).code == 0
    started = run("up", home=home.path)
    try:
        assert started.code == 0, started.err
        yield Home(home.path)
    finally:
        run("down", home=home.path)


@contextmanager
def signed_in(chromium: Browser, demo: Home, role: Role) -> Iterator[Page]:
    link = run("link", "--as", role, home=demo.path).out.strip()
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(link)
    page.get_by_role("button", name=f"Sign in as {role}").press("Enter")
    page.wait_for_url("**/hub/home")
    yield page
    context.close()


def open_overview(page: Page, demo: Home) -> str:
    page.get_by_role("link", name="Dashboards").click()
    page.wait_for_url(f"{Addresses.of(demo).pages}/dashboards/overview*")
    page.goto(f"{Addresses.of(demo).pages}/dashboards/overview?period={PERIOD}")
    page.wait_for_selector("[data-metric=revenue]")
    return page.get_attribute("[data-metric=revenue]", "data-value") or ""


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_its_figures_and_a_lab_if_it_may(role: Role, chromium: Browser, demo: Home):
    where = {"country": "Germany"} if role is Role.VIEWER else {}
    expected = ap.connect(demo.path).query("revenue", period=PERIOD, where=where)
    with signed_in(chromium, demo, role) as page:
        has_lab = role in (Role.ADMIN, Role.ANALYST)
        expect(page.get_by_role("link", name="JupyterLab")).to_have_count(int(has_lab))
        assert float(open_overview(page, demo)) == float(expected.item())


def test_an_analyst_s_lab_opens(chromium: Browser, demo: Home):
    with signed_in(chromium, demo, Role.ANALYST) as page:
        page.get_by_role("link", name="JupyterLab").click()
        expect(page).to_have_url(re.compile(r"/user/p\d+/lab"), timeout=SECONDS)


def test_a_viewer_who_asks_for_a_lab_is_refused(chromium: Browser, demo: Home):
    with signed_in(chromium, demo, Role.VIEWER) as page:
        answer = page.goto(f"{Addresses.of(demo).public}/hub/spawn")
        assert answer is not None
        assert answer.status == 403


def test_signing_out_at_a_page_ends_the_session_there_and_at_the_hub(chromium: Browser, demo: Home):
    with signed_in(chromium, demo, Role.MANAGER) as page:
        open_overview(page, demo)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/hub/logout")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/hub/login")
        page.goto(f"{Addresses.of(demo).pages}/dashboards/overview")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_open_page_outlives_a_hub_that_is_killed(chromium: Browser, demo: Home):
    with signed_in(chromium, demo, Role.ADMIN) as page:
        before = open_overview(page, demo)
        [pid] = [one.pid for one in services.status(demo) if one.name == "hub"]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        page.select_option("[data-control=period]", "last-90-days")
        revenue = page.locator("[data-metric=revenue]")
        expect(revenue).not_to_have_attribute("data-value", before, timeout=SECONDS)
