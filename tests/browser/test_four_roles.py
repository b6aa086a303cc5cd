"""A demo is started, and each of the four roles signs in with a link in a real browser."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import analyticspro as ap
from analyticspro import services
from analyticspro.config import Addresses, Home
from analyticspro.policy import Role, places_of
from tests.cli.terminal import run
from tests.local import free_ports, until

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
def signed_in(chromium: Browser, demo: Home, role: Role, **more: Any) -> Iterator[Page]:
    link = run("link", "--as", role, home=demo.path).out.strip()
    context = chromium.new_context(**more)
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.goto(link)
    page.get_by_role("button", name=f"Sign in as {role}").press("Enter")
    page.wait_for_url("**/hub/home")
    yield page
    context.close()


def menu(page: Page) -> Locator:
    """The bar's, above a page of the hub or a dashboard."""
    return page.get_by_role("navigation", name="Menu")


def open_overview(page: Page, demo: Home) -> str:
    menu(page).get_by_role("link", name="Dashboards").click()
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
        expect(menu(page).get_by_role("link", name="JupyterLab")).to_have_count(int(has_lab))
        assert float(open_overview(page, demo)) == float(expected.item())


@pytest.mark.parametrize("role", Role)
def test_the_menu_leads_from_a_dashboard_to_each_page_and_back(
    role: Role, chromium: Browser, demo: Home
):
    addresses = Addresses.of(demo)
    with signed_in(chromium, demo, role) as page:
        open_overview(page, demo)
        wanted = places_of(role, hub="", pages="")
        titles = [place.title for place in wanted]
        for place in wanted:
            if place.path in ("/dashboards", "/lab"):
                continue
            expect(menu(page).get_by_role("link")).to_have_text(titles)
            menu(page).get_by_role("link", name=place.title, exact=True).click()
            page.wait_for_url(f"{addresses.public}/hub{place.href}")
            expect(menu(page).get_by_role("link")).to_have_text(titles)
            expect(menu(page).locator("[aria-current]")).to_have_text(place.title)
            menu(page).get_by_role("link", name="Dashboards").click()
            page.wait_for_selector("[data-metric=revenue]")


def test_the_bar_folds_on_a_phone_and_needs_no_script(chromium: Browser, demo: Home):
    phone = {"width": 390, "height": 844}
    with signed_in(chromium, demo, Role.ADMIN, java_script_enabled=False, viewport=phone) as page:
        page.goto(f"{Addresses.of(demo).pages}/dashboards/overview?period={PERIOD}")
        expect(menu(page)).to_have_count(0)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(menu(page).get_by_role("link", name="People")).to_be_visible()
        expect(page.get_by_text("Ruth Alder").last).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/hub/logout")


def test_an_analyst_s_lab_opens_and_gives_a_figure(chromium: Browser, demo: Home):
    expected = ap.connect(demo.path).query("revenue", period=PERIOD).item()
    with signed_in(chromium, demo, Role.ANALYST) as page:
        menu(page).get_by_role("link", name="JupyterLab").click()
        expect(page).to_have_url(re.compile(r"/user/p\d+/lab"), timeout=SECONDS)
        page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").click()
        page.keyboard.type(
            f"import analyticspro as ap; ap.connect().query('revenue', period={PERIOD!r}).item()"
        )
        page.keyboard.press("Shift+Enter")
        expect(page.locator(".jp-OutputArea-output").first).to_contain_text(str(expected))


def test_an_admin_looks_as_a_viewer_and_leaves(chromium: Browser, demo: Home):
    theirs = ap.connect(demo.path).query("revenue", period=PERIOD, where={"country": "Germany"})
    pages = Addresses.of(demo).pages
    with signed_in(chromium, demo, Role.ADMIN) as page:
        before = open_overview(page, demo)
        page.goto(f"{Addresses.of(demo).public}/hub/policies/view-as")
        [vera] = [
            text
            for text in page.get_by_role("combobox").locator("option").all_inner_texts()
            if text.startswith("Vera")
        ]
        page.get_by_role("combobox").select_option(vera)
        page.get_by_role("button", name="Look as this person").click()
        expect(page.get_by_text("You see this page as Vera Quist, viewer")).to_be_visible()
        page.goto(f"{pages}/dashboards/overview?period={PERIOD}")
        revenue = page.locator("[data-metric=revenue]")
        seen = revenue.get_attribute("data-value") or ""
        assert float(seen) == float(theirs.item()) < float(before)
        page.get_by_role("button", name="Leave").click()
        page.wait_for_url(f"{pages}/dashboards/overview*")
        expect(page.get_by_text("You see this page as")).to_have_count(0)


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


@pytest.mark.parametrize("killed", ["hub", "proxy", "api", "dashboards"])
def test_an_open_page_outlives_a_service_that_is_killed(killed: str, chromium: Browser, demo: Home):
    with signed_in(chromium, demo, Role.ADMIN) as page:
        before = open_overview(page, demo)
        [pid] = [one.pid for one in services.status(demo) if one.name == killed]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        if killed != "hub":  # the page needs the hub only to know who looks, and it was told
            until(lambda: all(one.is_ready for one in services.status(demo)))
        page.select_option("[data-control=period]", "last-90-days")
        revenue = page.locator("[data-metric=revenue]")
        expect(revenue).not_to_have_attribute("data-value", before, timeout=SECONDS)
        expect(page.locator(".ap-lost")).to_be_hidden()
        until(lambda: all(one.is_ready for one in services.status(demo)))
