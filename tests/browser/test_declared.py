"""A page that only declares figures: whole in the first answer, without a kernel or a script."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from analyticspro.config import Home

pytestmark = pytest.mark.browser
OVERVIEW = "/dashboards/overview"
SHIFTS = """
window.moved = 0;
const add = (list) => { for (const one of list.getEntries()) window.moved += one.value; };
new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
"""


def no_script(chromium: Browser, signed_in: Page) -> BrowserContext:
    settings = signed_in.context.storage_state()
    base = signed_in.url.split("/dashboards")[0]
    return chromium.new_context(base_url=base, storage_state=settings, java_script_enabled=False)


def test_without_scripts_figures_are_read_and_everything_can_be_chosen(
    chromium: Browser, signed_in: Page
):
    signed_in.goto(f"{OVERVIEW}?period=2011-11")
    october = signed_in.get_attribute("[data-metric=revenue]", "data-value")
    context = no_script(chromium, signed_in)
    page = context.new_page()
    page.goto(f"{OVERVIEW}?period=2011-10")
    expect(page.locator("[data-subtitle]")).to_have_text("October 2011")
    assert page.locator(".ap-drawing:visible svg").count() == 2
    page.get_by_label("Later period").click()
    expect(page.locator("[data-subtitle]")).to_have_text("November 2011")
    expect(page.locator("[data-metric=revenue]")).to_have_attribute("data-value", str(october))
    page.get_by_label("Country", exact=True).select_option("France")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-subtitle]")).to_have_text("November 2011 · France")
    page.goto(f"{OVERVIEW}?period=2005-01")
    page.get_by_role("button", name="Go to December 2011").click()
    expect(page.locator("[data-metric=revenue]")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_it_opens_without_a_kernel_and_nothing_moves(
    signed_in: Page, retail_services: Home, width: int
):
    errors: list[str] = []
    signed_in.on("console", lambda said: said.type == "error" and errors.append(said.text))
    signed_in.on("pageerror", lambda error: errors.append(str(error)))
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.add_init_script(SHIFTS)
    for expected in (4, 2):  # two widths while the window's is not known, then one
        answer = signed_in.goto(f"{OVERVIEW}?period=2011-11")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy
        assert signed_in.locator(".ap-drawing").count() == expected
        assert signed_in.locator(".ap-drawing:visible").count() == 2
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width
        assert signed_in.evaluate("window.moved") <= 0.01
    assert _kernels(retail_services) == []
    assert errors == []


def _kernels(home: Home) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # another's, or it ended while it was looked at
            is_kernel = "ipykernel_launcher" in process.cmdline()
            if is_kernel and process.environ().get("ANALYTICSPRO_HOME") == str(home.path):
                found.append(process)
    return found


def test_a_page_that_loses_its_server_says_so_and_heals(signed_in: Page):
    signed_in.clock.install()
    signed_in.goto(f"{OVERVIEW}?period=2011-11")
    lost = signed_in.locator(".ap-lost")
    expect(lost).to_be_hidden()
    signed_in.context.set_offline(True)
    signed_in.clock.run_for(31_000)
    expect(lost).to_be_visible()
    signed_in.context.set_offline(False)
    signed_in.clock.run_for(31_000)
    expect(lost).to_be_hidden()


def test_what_has_not_changed_is_not_sent_again(signed_in: Page):
    signed_in.clock.install()
    signed_in.goto(f"{OVERVIEW}?period=2011-11")
    with signed_in.expect_response(lambda got: "overview" in got.url) as answer:
        signed_in.clock.run_for(31_000)
    assert answer.value.status in (200, 304)  # 200 if a minute has begun meanwhile
    expect(signed_in.locator("[data-subtitle]")).to_have_text("November 2011")
