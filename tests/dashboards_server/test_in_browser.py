"""A dashboard in a real Chromium: waiting, shown, failed, gone."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboards_server.serving import Site
from tests.local import until

pytestmark = pytest.mark.browser


@pytest.fixture
def context(chromium: Browser, site: Site) -> Iterator[BrowserContext]:
    """A browser that has followed a link."""
    context = chromium.new_context(base_url=f"http://127.0.0.1:{site.port}")
    page = context.new_page()
    page.goto(site.link(), wait_until="commit")
    page.goto("about:blank")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def test_a_widget_works_both_ways_and_nothing_comes_from_elsewhere(page: Page) -> None:
    hosts: set[str | None] = set()
    errors: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda channel: hosts.add(urlsplit(channel.url).hostname))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    page.goto("/dashboards/overview?country=France")
    button = page.locator("button.count")
    expect(button).to_have_text("country=France 0")
    button.click()
    expect(button).to_have_text("country=France 1")
    expect(page.locator("#waiting")).to_have_count(0)
    assert hosts - {None} == {"127.0.0.1"}
    assert errors == []


def test_while_it_waits_the_page_has_its_shape_already(page: Page) -> None:
    page.clock.install()
    page.goto("/dashboards/slow", wait_until="commit")
    expect(page.locator("#waiting h1")).to_have_text("Slow")
    expect(page.locator("#waiting .cards .block")).to_have_count(5)
    expect(page.get_by_role("status")).to_have_text("Loading Slow")
    expect(page.locator("main")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#slow")).to_be_hidden()
    page.clock.fast_forward(31_000)
    expect(page.locator("#slow")).to_be_visible()


def test_who_wants_no_motion_sees_none(context: BrowserContext) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto("/dashboards/slow", wait_until="commit")
    page.wait_for_selector(".bone")
    style = "getComputedStyle(document.querySelector('.bone'), '::after').animationName"
    assert page.evaluate(style) == "none"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("unknown_metric", "This page cannot be shown"),
        ("mistake", "Something went wrong"),
        ("dying", "This page stopped"),
        ("nothing", "There is nothing on this page"),
    ],
)
def test_a_failure_takes_the_place_of_the_page(page: Page, name: str, title: str) -> None:
    page.goto(f"/dashboards/{name}")
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("#stage")).to_be_hidden()
    if name == "unknown_metric":
        expect(page.get_by_role("alert")).to_contain_text("No metric 'revenu<b>'.")


def test_a_page_whose_kernel_is_gone_says_so(page: Page, site: Site) -> None:
    before = set(site.kernels())
    page.clock.install()
    page.goto("/dashboards/overview")
    expect(page.locator("button.count")).to_be_visible()
    removed = site.log.count("removing from map")  # others may have been, before
    for kernel in set(site.kernels()) - before:
        kernel.kill()
    until(lambda: site.log.count("removing from map") > removed)
    page.clock.fast_forward(31_000)
    expect(page.get_by_text("This page has lost its connection.").first).to_be_visible()


def test_closing_a_page_ends_its_kernel(page: Page, site: Site) -> None:
    before = set(site.kernels())
    page.goto("/dashboards/overview")
    expect(page.locator("button.count")).to_be_visible()
    assert set(site.kernels()) - before
    page.close(run_before_unload=True)
    until(lambda: not set(site.kernels()) - before)


def test_the_sign_in_page_is_whole_in_the_dark(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    failed: list[str] = []
    page.on("response", lambda got: got.status >= 400 and failed.append(got.url))
    page.goto(f"http://127.0.0.1:{site.port}/dashboards/overview")
    expect(page.get_by_role("heading")).to_have_text("Please sign in")
    expect(page.locator("code")).to_have_text(f"analyticspro --home {site.home.path} link")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(background) == "rgb(15, 18, 23)"
    assert [urlsplit(url).path for url in failed] == ["/dashboards/overview"]
    context.close()
