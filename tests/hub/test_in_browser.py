"""A real browser takes the hub's cookies, and opens a Lab on a host name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from analyticspro.config import Home
from tests.hub.serving import AUTHENTICATOR, serving

pytestmark = pytest.mark.browser
SECONDS = 60_000


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def sign_in(page: Page, hub: Home, name: str) -> None:
    page.goto(f"http://localhost:{hub.settings.hub_port}/hub/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(f"{name}'s own")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/hub/home")


def test_an_analyst_opens_a_lab(page: Page, hub: Home):
    sign_in(page, hub, "ada")
    page.get_by_role("button", name="My Server").click()
    lab = re.compile(rf"http://ada\.localhost:{hub.settings.hub_port}/user/ada/lab")
    expect(page).to_have_url(lab, timeout=SECONDS)
    launcher = page.get_by_title("Python 3 (ipykernel)").first
    expect(launcher).to_be_visible(timeout=SECONDS)


def test_a_viewer_is_told_who_they_are_and_offered_nothing_else(page: Page, hub: Home):
    sign_in(page, hub, "vera")
    expect(page.get_by_text("You are signed in as vera.")).to_be_visible()
    expect(page.get_by_text("My Server")).to_have_count(0)


@pytest.fixture
def open_hub(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home").prepare()
    with serving(home, f'{AUTHENTICATOR}c.SandboxSpawner.obstacle = "No namespaces."\n'):
        yield home


MARK = """() => {
  const {content, right, top, visibility, height} = getComputedStyle(document.body, "::after");
  return [content, right, top, visibility, parseFloat(height) > 10];
}"""


def test_a_lab_without_a_sandbox_says_so_on_its_own_page(page: Page, open_hub: Home):
    sign_in(page, open_hub, "root")
    page.get_by_role("button", name="My Server").click()
    expect(page.get_by_title("Python 3 (ipykernel)").first).to_be_visible(timeout=SECONDS)
    told = '"Not shut in: code here reaches all of the workspace"'
    assert page.evaluate(MARK) == [told, "0px", "0px", "visible", True]
    page.get_by_text("Help", exact=True).click()  # nothing is in the way
    expect(page.get_by_text("About JupyterLab")).to_be_visible()
