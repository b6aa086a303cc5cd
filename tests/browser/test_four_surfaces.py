"""One figure is the same figure on a page, in a report, on the command line, in a notebook."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

import analyticspro as ap
from analyticspro.config import Home

pytestmark = pytest.mark.browser

METRICS = ["revenue", "orders", "active_customers", "average_order_value", "cancellation_rate"]


@pytest.mark.parametrize(
    ("period", "country"),
    [
        pytest.param("2011-11", "", id="a whole month"),
        pytest.param("2011-12", "", id="the latest, incomplete month"),
        pytest.param("2011-Q1", "France", id="a quarter of one country"),
    ],
)
def test_a_figure_is_the_same_on_every_surface(
    retail_services: Home, signed_in: Page, tmp_path: Path, period: str, country: str
) -> None:
    where = {"country": country} if country else {}
    frame = ap.connect(retail_services.path).query(*METRICS, period=period, where=where)
    client = {name: float(value) for name, value in frame.row(0, named=True).items()}

    assert _on_the_page(signed_in, period, country) == client
    assert _in_the_report(retail_services, period, country, tmp_path) == client
    assert _on_the_command_line(retail_services, period, country) == client


def _on_the_page(page: Page, period: str, country: str) -> dict[str, float]:
    page.goto(f"/dashboards/overview?period={period}&country={country}")
    page.wait_for_selector("[data-metric=revenue]", timeout=60_000)
    return {
        name: float(page.get_attribute(f"[data-metric={name}]", "data-value") or "nan")
        for name in METRICS
    }


def _in_the_report(home: Home, period: str, country: str, folder: Path) -> dict[str, float]:
    file = folder / "report.html"
    chosen = ["--set", f"country={country}"] if country else []
    _command(home, "report", "overview", "--period", period, *chosen, "--output", str(file))
    found = re.findall(r'data-metric="(\w+)"\s+data-value="([^"]+)"', file.read_text())
    return {name: float(value) for name, value in found if name in METRICS}


def _on_the_command_line(home: Home, period: str, country: str) -> dict[str, float]:
    chosen = ["--where", f"country={country}"] if country else []
    text = _command(home, "query", *METRICS, "--period", period, *chosen, "--format", "json")
    [row] = json.loads(text)["rows"]
    return dict(row)


def _command(home: Home, *words: str) -> str:
    command = [sys.executable, "-m", "analyticspro", "--home", str(home.path), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
