"""The pages of accounts in a real browser: by keyboard, at both widths, dark and light."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from analyticspro import clock
from analyticspro.accounts import Accounts
from analyticspro.config import Home

pytestmark = pytest.mark.browser
GOOD = "quiet harbour lantern 88"


@pytest.fixture(params=[("light", 1440), ("dark", 390)], ids=["wide and light", "narrow and dark"])
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    scheme, width = request.param
    size = {"width": width, "height": 800}
    context = chromium.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    yield page
    # What is refused is told as a status; whatever else the browser says is a mistake of ours.
    assert [text for text in told if "responded with a status of 4" not in text] == []
    context.close()


def check_width(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_one_signs_up_and_in_by_keyboard(page: Page, gate: Home, accounts: Accounts):
    email = f"vera{len(accounts.directory.all())}@acme.example"
    page.goto(f"http://localhost:{gate.settings.hub_port}/hub/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    check_width(page)
    page.get_by_role("link", name="Create your free account").press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    for text in ("Vera", "Tab", email, "Tab", "password1234", "Enter"):
        if text in ("Tab", "Enter"):
            page.keyboard.press(text)
        else:
            page.keyboard.type(text)
    expect(page.get_by_role("alert")).to_contain_text("easily guessed")
    password = page.get_by_label("Password")
    expect(password).to_be_focused()
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description(re.compile("easily guessed"))
    expect(page.get_by_label("Name")).to_have_value("Vera")
    check_width(page)
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Sign in").press("Enter")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past "Forgotten?"
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/account")  # where one was going at first
    expect(page.get_by_text("this device")).to_be_visible()
    check_width(page)
    page.get_by_role("button", name="Sign out everywhere").press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_first_admin_s_link_opens_its_page(page: Page, gate: Home, accounts: Accounts):
    link = accounts.joining.first_admin_link(now=clock.now())
    assert link is not None
    page.goto(link.url)
    expect(page.get_by_role("heading", name="Set up AnalyticsPro")).to_be_visible()
    expect(page.get_by_label("Name")).to_be_focused()
    check_width(page)
