"""How long until a dashboard is there: ours, and stock Voilà with the same notebook."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from analyticspro import notebooks, services
from analyticspro.client import reach
from analyticspro.config import Home
from analyticspro.workspace import Workspace

ROOT = Path(__file__).parent.parent
EVENTS = 50_000
CARDS, CHARTS = 5, 2

# The first frame that holds every figure: looked for in each, and taken once it has been shown.
PROBE = f"""
window.moved = 0;
const add = (list) => {{ for (const one of list.getEntries()) window.moved += one.value; }};
new PerformanceObserver(add).observe({{ type: "layout-shift", buffered: true }});
const isSeen = (one) => one.getBoundingClientRect().height > 0
  && getComputedStyle(one).visibility === "visible";
const seen = (what) => [...document.querySelectorAll(what)].filter(isSeen).length;
const look = () => {{
  const isThere = seen("[data-metric][data-value]:not([data-row])") >= {CARDS}
    && seen(".ap-drawing svg") >= {CHARTS};
  if (isThere) requestAnimationFrame(() => {{ window.drawnAt = performance.now(); }});
  else requestAnimationFrame(look);
}};
requestAnimationFrame(look);
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--viewers", type=int, nargs="*", default=[20, 50])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = _filled(Path(folder))
        chromium = playwright.chromium.launch(executable_path=_chromium())
        try:
            services.up(home)
            with _stock_voila(home) as stock:
                figures, ratios = _measure(chromium, home, stock, given.rounds, given.viewers)
        finally:
            services.down(home)
            chromium.close()
    for name, value in (figures | ratios).items():
        print(f"{name:28} {value:10.3f}")
    print(
        json.dumps(
            {
                "name": "dashboards",
                "cores": os.cpu_count(),
                "figures": figures,
                "ratios": ratios,
            }
        )
    )
    return 0


def _chromium() -> str:
    found = subprocess.run(
        [ROOT / "scripts" / "find-chromium"], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def _filled(folder: Path) -> Home:
    home = Home(folder / "home").prepare()
    names = ("port", "api_port", "hub_port", "hub_api_port", "proxy_api_port")
    home.write_settings(**{name: _free_port() for name in names})
    with Workspace.open(home) as workspace:
        workspace.load_demo(EVENTS, 7, progress=lambda step: None)
    return home


def _measure(
    chromium: Browser, home: Home, stock: str, rounds: int, viewers: list[int]
) -> tuple[dict[str, float], dict[str, float]]:
    signed_in = _signed_in(chromium, home)
    ours = f"{_pages(home)}/dashboards/overview"
    _once(chromium, ours, signed_in)  # composed, and drawn once
    cold: dict[str, list[float]] = {"ours": [], "voila": []}
    warm: dict[str, list[float]] = {"ours": [], "voila": []}
    moved = []
    for _ in range(rounds):
        for name, address in (("ours", ours), ("voila", stock)):
            first, second, shift = _once(chromium, address, signed_in)
            cold[name].append(first)
            warm[name].append(second)
            moved += [shift] if name == "ours" else []
    figures = {
        f"{name}_{kind}_ms": statistics.median(values)
        for kind, found in (("cold", cold), ("warm", warm))
        for name, values in found.items()
    }
    figures["layout_shift"] = max(moved)
    figures["cpu_ms_a_view"] = _cpu(home, ours, signed_in)
    for count in viewers:
        drawn = _together(chromium, ours, signed_in, count, rounds)
        figures[f"all_drawn_p95_ms_{count}"] = _p95(drawn)
    if viewers:
        figures["all_drawn_p95_ms"] = figures[f"all_drawn_p95_ms_{max(viewers)}"]
    return figures, {"vs_stock_voila": figures["voila_warm_ms"] / figures["ours_warm_ms"]}


def _once(chromium: Browser, address: str, state: Any) -> tuple[float, float, float]:
    """Return milliseconds to the whole page in a fresh browser and again, and what moved."""
    context = chromium.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    context.add_init_script(PROBE)
    try:
        first, shift = _drawn(context, address)
        second, again = _drawn(context, address)
        return first, second, max(shift, again)
    finally:
        context.close()


def _drawn(context: BrowserContext, address: str) -> tuple[float, float]:
    page = context.new_page()
    page.goto(address, wait_until="commit")
    _wait_until_drawn(page)
    page.wait_for_timeout(300)  # whatever still moves
    drawn, shift = page.evaluate("[window.drawnAt, window.moved]")
    page.close(run_before_unload=True)  # so that a kernel behind it ends
    return float(drawn), float(shift)


def _wait_until_drawn(page: Page) -> None:
    # The policy of our pages lets nothing be evaluated in them, so it is asked from outside.
    until = time.monotonic() + 120
    while not page.evaluate("window.drawnAt"):
        if time.monotonic() > until:
            raise RuntimeError(f"{page.url} did not draw its figures")
        page.wait_for_timeout(50)


def _together(chromium: Browser, address: str, state: Any, count: int, rounds: int) -> list[float]:
    """Return milliseconds of two browsers that open a page while others fetch it, all at once."""
    contexts = []
    for _ in range(2):
        contexts.append(chromium.new_context(storage_state=state))
        contexts[-1].add_init_script(PROBE)
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in state["cookies"])
    found = []
    for _ in range(rounds):
        pages = [context.new_page() for context in contexts]
        others = [threading.Thread(target=_fetch, args=(address, cookie)) for _ in range(count - 2)]
        for other in others:
            other.start()
        for page in pages:
            page.goto(address, wait_until="commit")
        for page in pages:
            _wait_until_drawn(page)
            found.append(float(page.evaluate("window.drawnAt")))
            page.close()
        for other in others:
            other.join()
    for context in contexts:
        context.close()
    return found


def _fetch(address: str, cookie: str) -> None:
    """Fetch a page and all that it names, as a browser without a cache does."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    connection.request("GET", parts.path, headers={"Cookie": cookie})
    html = connection.getresponse().read().decode()
    named = {word.split('"')[0] for word in html.split('"/assets/')[1:]}
    for name in sorted(named):
        connection.request("GET", f"/assets/{name}", headers=headers)
        connection.getresponse().read()
    connection.close()


def _cpu(home: Home, address: str, state: Any, views: int = 50) -> float:
    """Return CPU milliseconds of all our services for one view, warm."""
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in state["cookies"])
    before = _spent(home)
    for _ in range(views):
        _fetch(address, cookie)
    return 1000 * (_spent(home) - before) / views


def _spent(home: Home) -> float:
    found = [psutil.Process(one.pid) for one in services.status(home) if one.pid]
    everything = {each for one in found for each in (one, *one.children(recursive=True))}
    return sum(sum(each.cpu_times()[:2]) for each in everything)


def _pages(home: Home) -> str:
    """Return the page server's own address: the owner's link does not go through the hub."""
    return f"http://127.0.0.1:{home.settings.port}"


def _signed_in(chromium: Browser, home: Home) -> Any:
    context = chromium.new_context()
    page = context.new_page()
    link = reach(home).link()  # type: ignore[union-attr]
    page.goto(f"{_pages(home)}/signin?code={link}", wait_until="commit")
    state = context.storage_state()
    context.close()
    state["cookies"] = [one for one in state["cookies"] if one["name"] != "analyticspro-width"]
    return state


@contextmanager
def _stock_voila(home: Home) -> Iterator[str]:
    """Serve the same notebook by Voilà as it comes, with its own template."""
    port = _free_port()
    notebook = notebooks.find("dashboards", "overview")
    command = ["-m", "voila", "--no-browser", f"--port={port}", "--template=lab", str(notebook)]
    process = subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | {"ANALYTICSPRO_HOME": str(home.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}voila/static/none").close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Nothing answers at {address}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


if __name__ == "__main__":
    sys.exit(main())
