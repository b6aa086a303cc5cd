"""A real Chromium on real services."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from analyticspro import services
from analyticspro.client import Remote, reach
from analyticspro.config import Home
from tests.local import free_ports


@pytest.fixture(scope="session")
def retail_services(retail_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The services of a workspace with the real orders, on ports of its own."""
    home = Home(tmp_path_factory.mktemp("retail") / "home").prepare()
    shutil.copy(retail_home.warehouse_file, home.warehouse_file)
    home.write_settings(name="Online Retail", **free_ports())
    services.up(home, progress=lambda _: None)
    yield home
    services.down(home)


@pytest.fixture
def signed_in(chromium: Browser, retail_services: Home) -> Iterator[Page]:
    """A page whose browser has followed a one-time link."""
    settings = retail_services.settings
    context = chromium.new_context(base_url=f"http://{settings.host}:{settings.port}")
    page = context.new_page()
    page.goto(f"/signin?code={one_time_code(retail_services)}", wait_until="commit")
    yield page
    context.close()


def one_time_code(home: Home) -> str:
    transport = reach(home)
    assert isinstance(transport, Remote)
    return transport.link()
