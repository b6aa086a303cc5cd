"""A notebook is composed once, without data, whatever it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from analyticspro import notebooks
from analyticspro.dashboards.compositions import (
    Composed,
    Compositions,
    Failed,
    Outcome,
    Undeclared,
)
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.kernels import composing_environment
from tests.local import until

PARAMETERS = 'period: str = "latest"\nland: str = ""\ntop: int = 3'
PAGE = """
import analyticspro as ap
ap.page("Sales", [ap.kpi("revenue"), ap.bars("revenue", by="country", top=top)],
        period=period, where={"country": land})
"""
LOG = logging.getLogger("test")


def write(folder: Path, name: str, *cells: str) -> Path:
    made: list[Any] = [nbformat.v4.new_markdown_cell("# Title")]
    for number, source in enumerate(cells):
        if source.startswith("#md "):
            made.append(nbformat.v4.new_markdown_cell(source[4:]))
        else:
            made.append(nbformat.v4.new_code_cell(source))
            made[-1].metadata.tags = ["parameters"] if number == 0 else []
    nbformat.write(nbformat.v4.new_notebook(cells=made), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def composed(files: Sequence[Path], *, longest_s: float = 20) -> list[Outcome]:
    """Return what each is, all composed at the same time."""

    async def all_of_them() -> list[Outcome]:
        compositions = Compositions(composing_environment(), LOG, longest_s=longest_s)
        try:
            return await asyncio.gather(*(compositions.of(file) for file in files))
        finally:
            await compositions.close()

    return asyncio.run(all_of_them())


def test_the_shipped_dashboards_only_declare():
    files = [notebooks.find("dashboards", name) for name in notebooks.names("dashboards")]
    assert files
    for outcome in composed(files):
        assert isinstance(outcome, Composed), outcome


def test_a_page_is_bound_to_the_parameters_that_it_was_given(tmp_path: Path):
    cells = (PARAMETERS, "#md **Before**", PAGE, "#md After")
    [outcome] = composed([write(tmp_path, "sales", *cells)])
    assert isinstance(outcome, Composed)
    assert (outcome.before, outcome.after) == ("**Before**", "After")
    page = outcome.page
    assert [figure.to_json()["kind"] for figure in page.figures] == ["kpi", "bars"]
    assert page.request == Request("latest", {"country": ""})
    assert page.asked({"period": "2011-11", "land": "France", "country": "x"}) == Request(
        "2011-11", {"country": "France"}
    )


READS = "import analyticspro as ap\nframe = ap.connect().query('revenue')"
MORE = {
    "reads": (READS, "it reads data in Python"),
    "swallows": (
        f"try:\n    {READS.splitlines()[0]}; ap.connect().workspace()\nexcept Exception:\n    pass",
        "it reads data in Python",
    ),
    "reads_a_parameter": ("f'{land}'", "it reads its parameter 'land' in Python"),
    "compares_a_parameter": ("land == 'x'", "it reads its parameter 'land' in Python"),
    "joins_a_parameter": ("', '.join([land]);", "it reads its parameters in Python"),
    "shows_a_figure": ("import analyticspro as ap\nap.kpi('revenue')", "it reads data in Python"),
    "shows_markup": (
        "from IPython.display import HTML\nHTML('<b>x</b>')",
        "it shows text/html, text/plain",
    ),
    "shows_a_value": ("1 + 1", "it shows values beside its page"),
    "shows_two_pages": (PAGE, "it shows 2 pages, not one"),
}


def test_what_does_more_than_declare_is_known_with_its_reason(tmp_path: Path):
    files = [write(tmp_path, name, PARAMETERS, source, PAGE) for name, (source, _) in MORE.items()]
    found = dict(zip(MORE, composed(files), strict=True))
    assert found == {name: Undeclared(reason) for name, (_, reason) in MORE.items()}


def test_a_notebook_without_a_page_is_not_even_run(tmp_path: Path):
    file = write(tmp_path, "plain", "", "open('ran', 'w')")
    assert composed([file]) == [Undeclared("it calls no page()")]
    assert not (tmp_path / "ran").exists()


def test_one_that_fails_tells_its_author_and_keeps_nobody_waiting(tmp_path: Path):
    bad = {
        "hangs": "import time; time.sleep(60)",
        "raises": "password = 'hunter2'; raise ValueError(password)",
        "refuses": "from analyticspro.errors import UnknownName\n"
        "raise UnknownName.of('metric', 'revenu', ['revenue'])",
        "dies": "import os; os.kill(os.getpid(), 9)",
    }
    files = [write(tmp_path, name, "", source, "page()") for name, source in bad.items()]
    files += [write(tmp_path, "prints", PARAMETERS, "print('x' * 100_000_000)", PAGE)]
    files += [write(tmp_path, "forges", "", FORGED)]
    *failed, prints, forges = composed(files, longest_s=6)
    titles = [each.title for each in failed if isinstance(each, Failed)]
    assert titles == [
        "This page took too long",
        "Something went wrong",
        "This page cannot be shown",
        "This page stopped",
    ]
    said = [each for each in failed if isinstance(each, Failed)]
    assert "hunter2" not in said[1].message
    assert "hunter2" in said[1].reason
    assert said[2].message == "No metric 'revenu'. Did you mean 'revenue'?"
    assert isinstance(prints, Composed)
    assert isinstance(forges, Failed)


FORGED = """
from IPython.display import display
display({"application/vnd.analyticspro.page+json": {"title": 5, "rows": "page()"}}, raw=True)
"""


def test_it_has_no_right_to_data_and_knows_of_no_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANALYTICSPRO_HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "a-token")
    tells = "import os, analyticspro as ap\nraise ap.AnalyticsProError(str(dict(os.environ)))"
    [outcome] = composed([write(tmp_path, "tells", tells, "page()")])
    assert isinstance(outcome, Failed)
    assert "ANALYTICSPRO_COMPOSING" in outcome.message
    assert "ANALYTICSPRO_HOME" not in outcome.message
    assert "a-token" not in outcome.message


def test_many_who_ask_at_once_compose_once_and_a_change_composes_anew(tmp_path: Path):
    count = "open('count', 'a').write('x');"
    file = write(tmp_path, "counted", PARAMETERS, count, PAGE)

    async def ask() -> None:
        compositions = Compositions(composing_environment(), LOG)
        first = await asyncio.gather(*(compositions.of(file) for _ in range(20)))
        assert len({id(each) for each in first}) == 1
        await compositions.of(file)
        assert (tmp_path / "count").read_text() == "x"
        write(tmp_path, "counted", PARAMETERS, count, PAGE.replace("Sales", "Turnover"))
        changed = await compositions.of(file)
        assert isinstance(changed, Composed)
        assert changed.page.title == "Turnover"
        assert (tmp_path / "count").read_text() == "xx"
        await compositions.close()

    asyncio.run(ask())


def test_whoever_leaves_does_not_end_it_for_the_others(tmp_path: Path):
    file = write(tmp_path, "sales", PARAMETERS, PAGE)

    async def ask() -> None:
        compositions = Compositions(composing_environment(), LOG)
        leaving = asyncio.create_task(compositions.of(file))
        staying = asyncio.create_task(compositions.of(file))
        await asyncio.sleep(0.05)
        leaving.cancel()
        assert isinstance(await staying, Composed)
        await compositions.close()

    asyncio.run(ask())


def test_what_a_notebook_started_ends_with_it(tmp_path: Path):
    leaves = (
        "import subprocess\n"
        "started = subprocess.Popen(['sleep', '300'])\n"
        "open('pid', 'w').write(str(started.pid));"
    )
    [outcome] = composed([write(tmp_path, "leaves", PARAMETERS, leaves, PAGE)])
    assert isinstance(outcome, Composed)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
