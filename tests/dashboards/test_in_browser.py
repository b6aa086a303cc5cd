"""The browser's half of a live page, in a real Chromium, on the kernel's real answers.

Between the two stands a bridge in place of Jupyter's comm; it can be cut, as a network can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from analyticspro.dashboards import Page as Dashboard
from analyticspro.dashboards import bars, kpi, line
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.live import LivePage
from analyticspro.dashboards.templating import asset
from tests.dashboards.provider import METRICS, FrameProvider

pytestmark = pytest.mark.browser
ADDRESS = "http://dashboards.test/dashboards/overview?period=2011-11"
BRIDGE = """
<!doctype html><meta name="viewport" content="width=device-width"><style>%s body{margin:0}</style>
<div id="at"></div><script type="module">
const code = document.getElementById("code").textContent;
const module = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
const { default: page } = await import(module);
const heard = {};
let drawn = JSON.parse(await window.first());
const model = {
  get: () => drawn,
  on: (name, say) => { heard[name] = say; },
  send: async (wish) => {
    if (window.cut) return;
    heard["msg:custom"]({ type: "heard", seq: wish.seq });
    if (window.slow) await new Promise((go) => { window.go = go; });
    drawn = JSON.parse(await window.draw(wish));
    heard["change:drawn"]();
  },
};
page.render({ model, el: document.getElementById("at") });
</script><script id="code" type="text/plain">%s</script>
"""


@pytest.fixture
def shown(chromium: Browser, provider: FrameProvider) -> Iterator[Page]:
    import json

    figures = [*(kpi(name) for name in METRICS), [line("revenue"), bars("revenue", "country")]]
    dashboard = Dashboard("Overview", figures, Request(), ("country",), provider)
    live = LivePage(dashboard, Request("2011-11"))
    live.send = lambda content, buffers=None: None  # type: ignore[method-assign]

    def draw(wish: Any) -> str:
        live._on_message(live, wish, [])
        return json.dumps(live.drawn)

    # A zone behind UTC: what is drawn as UTC must not slip to the day before.
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, timezone_id="America/Los_Angeles"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    html = BRIDGE % (asset("page.css"), asset("page.js"))
    page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.expose_function("first", lambda: json.dumps(live.drawn))
    page.expose_function("draw", draw)
    page.goto(ADDRESS)
    page.wait_for_selector("[data-metric=revenue]")
    yield page
    assert errors == []
    context.close()


def test_a_control_changes_figures_and_address_and_keeps_the_focus(shown: Page):
    before = shown.get_attribute("[data-metric=revenue]", "data-value")
    period = shown.get_by_label("Period", exact=True)
    period.focus()
    shown.keyboard.press("ArrowDown")  # the month before
    expect(shown.locator("[data-subtitle]")).to_have_text("October 2011")
    assert shown.get_attribute("[data-metric=revenue]", "data-value") != before
    expect(period).to_be_focused()
    assert "period=2011-10" in shown.url
    shown.get_by_label("Country", exact=True).select_option("France")
    expect(shown.locator("[data-subtitle]")).to_have_text("October 2011 · France")
    assert "country=France" in shown.url
    shown.get_by_label("Country", exact=True).select_option("")
    expect(shown.locator("[data-subtitle]")).to_have_text("October 2011")
    assert "country" not in shown.url


def test_waiting_is_shown_at_once_and_ends(shown: Page):
    shown.evaluate("window.slow = true")
    shown.get_by_label("Earlier period").click()
    page = shown.locator(".ap-live")
    expect(page).to_have_attribute("aria-busy", "true")
    expect(shown.locator(".ap-busy")).to_be_visible()
    shown.wait_for_function("!!window.go")
    shown.evaluate("window.go()")
    expect(page).to_have_attribute("aria-busy", "false")
    expect(shown.locator(".ap-busy")).to_be_hidden()
    expect(shown.get_by_label("Earlier period")).to_be_focused()


def test_a_lost_kernel_is_said_and_reload_asks_for_the_choice(shown: Page):
    shown.clock.install()
    shown.evaluate("window.cut = true")
    shown.get_by_label("Period", exact=True).select_option("2011-09")
    shown.clock.run_for(10_000)
    expect(shown.get_by_role("alert")).to_contain_text("lost its connection")
    with shown.expect_navigation():
        shown.get_by_role("button", name="Reload").click()
    assert "period=2011-09" in shown.url


def test_an_empty_period_leads_to_the_latest(shown: Page):
    shown.evaluate(
        "document.querySelector('[data-control=period]').append(new Option('x', '2010-03'))"
    )
    shown.get_by_label("Period", exact=True).select_option("2010-03")
    expect(shown.locator("[data-page-state=empty]")).to_contain_text("No data in March 2010")
    shown.get_by_role("button", name="Go to December 2011").click()
    expect(shown.locator("[data-subtitle]")).to_have_text("December 2011, to 9 Dec")


def test_a_chart_is_read_by_keyboard_and_by_pointer(shown: Page):
    chart = shown.get_by_role("group", name="Revenue", exact=True)
    chart.focus()
    shown.keyboard.press("ArrowRight")
    tip = shown.locator(".ap-tip")
    expect(tip).to_contain_text("Tue 1 Nov 2011")
    expect(shown.get_by_role("status")).to_contain_text("Tue 1 Nov 2011: £")
    shown.keyboard.press("End")
    expect(tip).to_contain_text("Wed 30 Nov 2011")
    shown.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    chart.hover()
    expect(tip).to_contain_text("Nov 2011")


def test_a_meaning_opens_and_closes_by_keyboard(shown: Page):
    shown.get_by_label("What is Revenue?").press("Enter")
    meaning = shown.get_by_text(METRICS["revenue"]["meaning"]).first
    expect(meaning).to_be_visible()
    shown.keyboard.press("Escape")
    expect(meaning).to_be_hidden()


@pytest.mark.parametrize("width", [390, 700, 947, 1440, 2560])
def test_nothing_is_wider_than_the_window(shown: Page, width: int):
    shown.set_viewport_size({"width": width, "height": 900})
    expect(shown.locator(".ap-live")).to_have_attribute("aria-busy", "false")
    shown.wait_for_timeout(400)  # a window that was resized asks for charts of its size
    expect(shown.locator(".ap-drawing:visible svg").first).to_be_visible()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    for drawing in shown.locator(".ap-drawing:visible").all():
        box = drawing.bounding_box()
        view = drawing.locator("svg").get_attribute("viewBox")
        assert box is not None
        assert view is not None
        assert abs(box["width"] - float(view.split()[2])) <= 2
