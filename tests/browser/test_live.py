"""Pages that change while they are open, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboards_server.open_pages import PAGE, OpenSite, open_site
from tests.dashboards_server.serving import start, stop

pytestmark = pytest.mark.browser
SIGHT = {"p1": "Ruritania", "p2": "Zubrowka"}
HIDDEN = "Object.defineProperty(document, 'hidden', {get: () => window.isAway, configurable: true})"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSite]:
    with open_site(tmp_path_factory.mktemp("live"), SIGHT) as running:
        yield running


def opened(chromium: Browser, site: OpenSite, who: str) -> Page:
    base = f"http://127.0.0.1:{site.port}"
    context = chromium.new_context(base_url=base)
    name, value = site.cookie_of(who).split("=", 1)
    context.add_cookies([{"name": name, "value": value, "url": base}])
    page = context.new_page()
    page.add_init_script(HIDDEN)
    page.goto(PAGE)
    expect(page.locator("main[data-mode=live]")).to_be_visible()
    return page


def orders(page: Page) -> int:
    return int(str(page.get_attribute("[data-metric=orders]", "data-value")))


def shows(page: Page, count: int) -> None:
    expect(page.locator("[data-metric=orders]")).to_have_attribute("data-value", str(count))


def test_each_sees_what_is_theirs_change_and_nothing_else_is_touched(
    chromium: Browser, site: OpenSite
):
    first, second = (opened(chromium, site, who) for who in SIGHT)
    expect(first.locator("[data-refreshes]")).to_have_text("Live: changes show by themselves.")
    before = {page: orders(page) for page in (first, second)}
    numbers = first.locator("details.ap-data summary").first
    numbers.click()
    said = first.locator("[role=status]").text_content()
    rate = first.locator("[data-metric=cancellation_rate]").element_handle()
    site.sends("Ruritania")
    shows(first, before[first] + 1)
    assert orders(second) == before[second]
    assert numbers.evaluate("one => one === document.activeElement && one.parentNode.open")
    assert first.locator("[role=status]").text_content() == said  # not read out
    assert rate is not None
    assert rate.evaluate("one => one.isConnected")
    for page in (first, second):
        page.context.close()


def test_who_chooses_something_else_is_told_of_that(chromium: Browser, site: OpenSite):
    page = opened(chromium, site, "p2")
    page.get_by_label("Country", exact=True).select_option("Zubrowka")
    expect(page.locator("[data-subtitle]")).to_contain_text("Zubrowka")
    expect(page.locator("main[data-mode=live]")).to_be_visible()
    before = orders(page)
    site.sends("Zubrowka")
    shows(page, before + 1)
    page.context.close()


def test_a_page_that_nobody_sees_has_no_socket_and_comes_back_with_what_it_missed(
    chromium: Browser, site: OpenSite
):
    page = opened(chromium, site, "p1")
    before = orders(page)
    sockets: list[bool] = []
    page.on("websocket", lambda _: sockets.append(True))
    page.evaluate("window.isAway = true; dispatchEvent(new Event('visibilitychange'))")
    site.sends("Ruritania")
    page.wait_for_timeout(1500)
    assert orders(page) == before
    page.evaluate("window.isAway = false; dispatchEvent(new Event('visibilitychange'))")
    shows(page, before + 1)
    assert len(sockets) == 1
    page.context.close()


def test_without_the_api_it_says_that_it_is_not_live_and_then_is_again(
    chromium: Browser, site: OpenSite
):
    page = opened(chromium, site, "p1")
    before = orders(page)
    stop(site.api)
    expect(page.locator("[data-refreshes]")).to_contain_text("every 30 seconds")
    assert orders(page) == before
    site.api = start("analyticspro.api", site.home, site.home.settings.api_port)
    site.sends("Ruritania")
    expect(page.locator("main[data-mode=live]")).to_be_visible(timeout=30_000)
    shows(page, before + 1)
    page.context.close()
