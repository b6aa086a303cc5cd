"""What a reader chooses on a page: it is in the address, Back undoes it, one may leave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from analyticspro import services
from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.workspace import Workspace
from tests.browser.conftest import one_time_code
from tests.local import free_ports

pytestmark = pytest.mark.browser

SOURCES = """
[sources.shop]
path = "orders.csv"
event = "order_placed"
occurred_at = "at"
amount = { product = ["total"], currency_column = "currency" }
[sources.shop.properties]
order_id = "id"
country = "country"
"""
ORDERS = """id,at,total,currency,country
1,2026-09-01T10:00:00,10.50,EUR,France
2,2026-09-02T10:00:00,20.50,EUR,<b>Spain</b>
3,2026-09-03T10:00:00,3000,JPY,Japan
4,2026-10-01T10:00:00,30.50,EUR,France
5,2026-10-02T10:00:00,5000,JPY,Japan
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A shop that takes euros, mostly, and yen; its services run."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "sources.toml").write_text(SOURCES)
    (folder / "orders.csv").write_text(ORDERS)
    home = Home(folder / "home").prepare()
    home.write_settings(**free_ports())
    with Workspace.open(home) as workspace:
        workspace.sync(load(folder / "sources.toml", {}), progress=lambda _: None)
    services.up(home, progress=lambda _: None)
    yield home
    services.down(home)


@pytest.fixture
def page(chromium: Browser, shop: Home) -> Iterator[Page]:
    context = chromium.new_context(base_url=services.address(shop, "dashboards"))
    page = context.new_page()
    page.goto(f"/signin?code={one_time_code(shop)}", wait_until="commit")
    page.goto("/dashboards/overview", wait_until="commit")
    page.wait_for_selector("[data-metric=revenue]", timeout=60_000)
    yield page
    context.close()


def shows(page: Page, revenue: str) -> None:
    expect(page.locator("[data-metric=revenue]")).to_have_attribute("data-value", revenue)


def test_of_several_currencies_the_most_frequent_is_shown_and_another_can_be_chosen(page: Page):
    shows(page, "30.50")
    page.select_option("[data-control=currency]", "JPY")
    shows(page, "5000")
    page.select_option("[data-control=period]", "2026-09")
    shows(page, "3000")
    assert page.url.endswith("?period=2026-09&currency=JPY")


def test_back_and_forward_walk_through_the_choices(page: Page):
    page.select_option("[data-control=period]", "2026-09")
    shows(page, "31.00")
    page.select_option("[data-control=country]", "<b>Spain</b>")
    shows(page, "20.50")
    page.go_back()
    shows(page, "31.00")
    expect(page.locator("[data-control=country]")).to_have_value("")
    page.go_back()
    shows(page, "30.50")
    page.go_forward()
    shows(page, "31.00")


def test_whoever_signs_out_is_out(page: Page):
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.goto("/dashboards/overview")
    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()
