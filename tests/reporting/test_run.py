"""Reports, run for real: a kernel, papermill, nbconvert, a workspace."""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import analyticspro as ap
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.reporting import run_report

METRICS = ["revenue", "orders", "active_customers", "average_order_value", "cancellation_rate"]


def notebook(folder: Path, *cells: str) -> Path:
    """Write a report notebook with one parameter and the given cells."""
    first = new_code_cell('period: str = "latest"  # which', metadata={"tags": ["parameters"]})
    made = new_notebook(
        cells=[new_markdown_cell("# Mine"), first, *(new_code_cell(cell) for cell in cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}},
    )
    path = folder / "mine.ipynb"
    nbformat.write(made, path)
    return path


def test_a_report_holds_the_figures_that_the_client_gives(
    home: Home, reports: Path, tmp_path: Path
):
    steps: list[tuple[int, int]] = []
    target = tmp_path / "overview.html"
    written = run_report(
        home,
        "overview",
        {"period": "last-month"},
        output=target,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert written == target
    html = target.read_text()
    cards = re.findall(r'class="ap-value" data-metric="(\w+)" data-value="([^"]*)"', html)
    [row] = ap.connect(home.path).query(*METRICS, period="last-month").rows(named=True)
    assert {name: float(value) for name, value in cards} == {k: float(v) for k, v in row.items()}
    assert "<title>Overview · last-month</title>" in html
    assert re.search(r"data-subtitle>[A-Z]\w+ \d{4}<", html)
    assert ">Demo data<" in html
    assert re.search(r"Drawn \d+ \w+ \d{4}, \d\d:\d\d", html)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]


def test_a_report_is_one_file_that_can_be_mailed(home: Home, reports: Path, tmp_path: Path):
    html = run_report(home, "overview", {}, output=tmp_path / "r.html").read_text()
    assert "<script" not in html
    assert not re.search(r"https?:|src=\"(?!data:)|href=|@import|//\w", _without_data(html))
    assert "@media print" in html
    assert os.listdir(tmp_path) == ["r.html"]


def _without_data(html: str) -> str:
    return re.sub(r"data:[\w/+-]+;base64,[\w+/=]+", "", html)


def test_the_executed_notebook_is_kept_and_holds_no_secret(
    home: Home, reports: Path, tmp_path: Path
):
    target = run_report(home, "overview", {"country": ""}, output=tmp_path / "r.html")
    [kept] = reports.iterdir()
    assert kept.name.endswith("-overview.ipynb")
    executed = nbformat.read(kept, as_version=4)
    nbformat.validate(executed)
    assert any(cell.get("outputs") for cell in executed.cells)
    for path in (kept, target):
        assert home.token() not in path.read_text()


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        pytest.param("overveiw", {}, "Did you mean 'overview'", id="no report"),
        pytest.param("overview", {"perid": "2026"}, "Did you mean 'period'", id="no parameter"),
        pytest.param("overview", {"country": "Germny"}, "Germny", id="no value"),
    ],
)
def test_a_wrong_name_is_told_with_its_cure(
    home: Home, reports: Path, tmp_path: Path, name: str, parameters: dict[str, str], words: str
):
    with pytest.raises(UnknownName, match=words):
        run_report(home, name, parameters, output=tmp_path / "r.html")
    assert os.listdir(tmp_path) == []


def test_another_form_is_refused(home: Home, tmp_path: Path):
    with pytest.raises(UnknownName, match="html"):
        run_report(home, "overview", {}, to="pdf", output=tmp_path / "r.pdf")


def test_a_cell_that_fails_leaves_the_old_file_and_says_where_it_stopped(
    home: Home, reports: Path, tmp_path: Path
):
    target = tmp_path / "r.html"
    target.write_text("the last good one")
    source = notebook(tmp_path, "1 + 1", "1 / 0")
    told = r"'mine' failed in cell \d: ZeroDivisionError"
    with pytest.raises(DefinitionError, match=told) as error:
        run_report(home, "mine", {}, output=target, shipped=source)
    assert target.read_text() == "the last good one"
    [kept] = reports.iterdir()
    assert str(kept) in str(error.value)
    assert sorted(os.listdir(tmp_path)) == ["mine.ipynb", "r.html"]


def test_a_figure_that_fails_fails_the_report(home: Home, reports: Path, tmp_path: Path):
    source = notebook(tmp_path, "import analyticspro as ap\nap.line('revenu')")
    with pytest.raises(UnknownName, match="Did you mean 'revenue'"):
        run_report(home, "mine", {}, output=tmp_path / "r.html", shipped=source)


def test_other_outputs_are_shown_and_escaped(home: Home, reports: Path, tmp_path: Path):
    source = notebook(
        tmp_path, "import analyticspro as ap\nap.line('revenue')", "'<script>' + period"
    )
    html = run_report(
        home, "mine", {"period": "last-month"}, output=tmp_path / "r.html", shipped=source
    ).read_text()
    assert "<svg" in html
    assert "&lt;script&gt;last-month" in html


def test_the_kernel_finds_the_workspace_and_no_secret_of_ours(
    home: Home, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("STRIPE_KEY", "sk-very-secret")
    source = notebook(
        tmp_path, "import os\n(os.environ['ANALYTICSPRO_HOME'], 'STRIPE_KEY' in os.environ)"
    )
    html = run_report(home, "mine", {}, output=tmp_path / "r.html", shipped=source).read_text()
    assert f"{home.path}', False" in unescape(html)


@pytest.mark.parametrize("output", ["", "nowhere/r.html"])
def test_a_place_that_cannot_be_written_is_told_before_the_run(
    home: Home, reports: Path, tmp_path: Path, output: str
):
    with pytest.raises(DefinitionError, match="folder"):
        run_report(home, "overview", {}, output=tmp_path / output)
    assert list(reports.iterdir()) == []
