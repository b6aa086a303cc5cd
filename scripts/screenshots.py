"""Makes the pictures of the README and the docs: `make screenshots`.

It starts the demo in a folder of its own, on ports of its own, and ends it again.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
PORT, LAB_PORT = 8790, 8795
WIDE, PHONE = {"width": 1440, "height": 830}, {"width": 390, "height": 844}
HUB = f"http://localhost:{PORT + 2}/hub"
DASHBOARDS = f"http://dashboards--service.localhost:{PORT + 2}/dashboards/"
OVERVIEW = f"{DASHBOARDS}overview?period=last-month"
PICTURES = {
    "admin": {
        "overview": OVERVIEW,
        "overview-phone": OVERVIEW,
        "home": f"{HUB}/home",
        "people": f"{HUB}/people",
        "people-phone": f"{HUB}/people",
        "policies": f"{HUB}/policies",
        "audit": f"{HUB}/audit",
        "mail": f"{HUB}/mail",
        "keys": f"{HUB}/keys",
    },
    "viewer": {"overview-viewer": OVERVIEW},
}
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
        with _services(home):
            _viewers_see_one_country(home)
            for role, pages in PICTURES.items():
                _pages(browser, home, role, pages)
            _report(browser, home)
            _lab(browser, home)
        browser.close()


@contextmanager
def _services(home: Path) -> Iterator[None]:
    _command(home, "up", "--demo", "--port", str(PORT))
    try:
        yield
    finally:
        _command(home, "down")


def _command(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "analyticspro", "--home", str(home), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _viewers_see_one_country(home: Path) -> None:
    for grant in json.loads(_command(home, "policies", "list", "--format", "json")):
        if grant["holder"] == "role:viewer":
            _command(home, "policies", "withdraw", str(grant["number"]))
    words = ["--role", "viewer", "--where", "country=Germany", "--aggregates-only"]
    for tag in ([], ["--tag", "revenue"]):
        _command(home, "policies", "grant", *tag, *words)


def _pages(browser: Browser, home: Path, role: str, pictures: dict[str, str]) -> None:
    """Take the pictures of what a role sees, each at 1440 pixels; phones' are dark."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(_command(home, "link", "--as", role).strip())
    page.get_by_role("button", name="Sign in as").click()
    page.wait_for_url("**/hub/home")
    for name, address in pictures.items():
        is_phone = name.endswith("-phone")
        page.set_viewport_size(PHONE if is_phone else WIDE)
        page.emulate_media(color_scheme="dark" if is_phone else "light")
        page.goto(address)
        if address.startswith(DASHBOARDS):
            page.wait_for_selector("[data-metric=revenue]", timeout=60_000)
        _picture(page, name, full_page=False)
    context.close()


def _report(browser: Browser, home: Path) -> None:
    file = home / "report.html"
    _command(home, "report", "overview", "--period", "last-month", "--output", str(file))
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(file.as_uri())
    _picture(page, "report", full_page=False)
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
    file = IMAGES / f"{name}.png"
    file.write_bytes(_smaller(page.screenshot(full_page=full_page)))
    print(f"docs/images/{name}.png, {file.stat().st_size // 1000} kB")


def _smaller(png: bytes) -> bytes:
    """Return the same picture, compressed with more patience than a browser has."""
    head, data, at = png[:8], b"", 8
    kept: list[bytes] = []
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IDAT":
            data += body
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            kept.append(_chunk(kind, body))
    packed = zlib.compress(zlib.decompress(data), 9)
    return b"".join((head, *kept, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main()
