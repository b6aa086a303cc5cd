"""The admin pages in a real browser: by keyboard alone, with axe-core, at both widths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from analyticspro.accounts import Accounts
from analyticspro.config import Home
from analyticspro.policy import Role
from tests.hub.members import GOOD, joined

pytestmark = pytest.mark.browser

PAGES = [
    "home", "account", "people", "people?q=nobody", "people/{number}", "people/invitations",
    "people/roles", "keys", "keys/everybody", "keys/writing", "mail", "settings", "logout",
]  # fmt: skip
SHOWN = [("light", 1440), ("dark", 390)]


@pytest.fixture(params=SHOWN, ids=["wide and light", "narrow and dark"])
def context(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    scheme, width = request.param
    size = {"width": width, "height": 800}
    # No script of a page's own is needed for anything: there is none.
    context = chromium.new_context(color_scheme=scheme, viewport=size)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, gate: Home, accounts: Accounts) -> Page:
    """A page on which an admin has signed in."""
    admin = joined(accounts, Role.ADMIN, "Ada Lovelace")
    page = context.new_page()
    page.goto(f"http://localhost:{gate.settings.hub_port}/hub/login")
    page.fill("[name=email]", admin.email)
    page.fill("[name=password]", GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    return page


def check(page: Page) -> None:
    """Nothing is wider than the window, and axe-core has nothing to say."""
    name = page.url.partition("/hub/")[2]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, name
    found = Axe().run(page).response["violations"]
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
    assert told == [], name


def test_each_page_is_accessible_and_as_wide_as_the_window(
    page: Page, gate: Home, accounts: Accounts
):
    name = "Llanfairpwllgwyngyll" * 4
    email = f"{'long' * 12}{page.viewport_size['width']}@acme.example"
    person = joined(accounts, Role.ANALYST, name, email)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for path in PAGES:
        address = path.format(number=person.id)
        page.goto(f"http://localhost:{gate.settings.hub_port}/hub/{address}")
        check(page)
    assert told == []


def tab_to(page: Page, name: str, role: str = "button") -> None:
    """Press Tab until it has the focus."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(80):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {name}")


def test_an_admin_invites_somebody_and_removes_somebody_by_keyboard(
    page: Page, gate: Home, accounts: Accounts
):
    is_narrow = page.viewport_size["width"] < 900
    if is_narrow:
        page.locator(".folded summary").focus()
        page.keyboard.press("Enter")
    tab_to(page, "People", "link")
    page.keyboard.press("Enter")
    tab_to(page, "Invite somebody", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Invitations", exact=True)).to_be_visible()
    tab_to(page, "E-mail", "textbox")
    email = f"guest{page.viewport_size['width']}@acme.example"
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type("analyst")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("The link")).to_be_focused()
    check(page)
    [invitation] = [one for one in accounts.joining.invitations() if one.email == email]
    assert invitation.role == Role.ANALYST

    person = joined(accounts, Role.VIEWER, "Rita Removed")
    page.goto(f"http://localhost:{gate.settings.hub_port}/hub/people/{person.id}")
    tab_to(page, "Remove …")
    page.keyboard.press("Enter")
    question = f"Remove Rita Removed ({person.email})?"
    expect(page.get_by_role("heading", name=question)).to_be_visible()
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()  # Enter destroys nothing
    check(page)
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Remove the account")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The account is removed.")
    assert accounts.directory.get(person.id) is None
