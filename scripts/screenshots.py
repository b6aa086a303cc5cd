"""Makes the pictures of the README and the docs: `make screenshots`.

It starts the demo in a folder of its own, on ports of its own, and ends it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
PORT, LAB_PORT = 8790, 8795
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=FLAGS.split()
        )
        with _services(home) as address:
            _dashboard(browser, address)
            _report(browser, home)
            _lab(browser, home)
        browser.close()


@contextmanager
def _services(home: Path) -> Iterator[str]:
    ports = ["--port", str(PORT)]
    _command(home, "up", "--demo", *ports)
    yield _command(home, "link").strip()
    _command(home, "down")


def _command(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "analyticspro", "--home", str(home), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _dashboard(browser: Browser, link: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(link, wait_until="commit")
    for name, scheme, width in (
        ("overview", "light", 1440),
        ("overview-dark", "dark", 1440),
        ("overview-phone", "light", 390),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"http://127.0.0.1:{PORT}/dashboards/overview?period=last-month")
        page.wait_for_selector("[data-metric=revenue]", timeout=60_000)
        _picture(page, name)
    context.close()


def _report(browser: Browser, home: Path) -> None:
    file = home / "report.html"
    _command(home, "report", "overview", "--period", "last-month", "--output", str(file))
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(file.as_uri())
    _picture(page, "report")
    page.close()


def _lab(browser: Browser, home: Path) -> None:
    environment = os.environ | {"ANALYTICSPRO_HOME": str(home), "LAB_PORT": str(LAB_PORT)}
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), "--no-browser"]
    lab = subprocess.Popen(
        [*command, "--IdentityProvider.token=", "--ServerApp.password="],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        _open_lab(page)
        page.keyboard.press("Escape")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_selector(".jp-RenderedSVG, .jp-RenderedVegaCommon5", timeout=60_000)
        page.wait_for_timeout(3_000)
        page.locator(".jp-Notebook .jp-CodeCell").nth(1).scroll_into_view_if_needed()
        page.locator(".jp-Notebook .jp-Cell").nth(4).scroll_into_view_if_needed()
        _picture(page, "lab", full_page=False)
    finally:
        lab.terminate()
        lab.wait()


def _open_lab(page: Page) -> None:
    address = f"http://127.0.0.1:{LAB_PORT}/lab/tree/first_steps.ipynb"
    for _ in range(60):
        try:
            page.goto(address)
            break
        except Error:  # not listening yet
            page.wait_for_timeout(500)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_timeout(2_000)


def _picture(page: Page, name: str, *, full_page: bool = True) -> None:
    page.wait_for_timeout(500)  # fonts and the last paint
    page.screenshot(path=IMAGES / f"{name}.png", full_page=full_page)
    print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
