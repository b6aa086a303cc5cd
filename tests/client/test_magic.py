"""`%%sql` in a real IPython: a cell of SQL gives a frame."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import analyticspro as ap
from analyticspro.config import Home
from tests.metrics.shop import EVENTS


@pytest.fixture(scope="module")
def shell(shop_home: Home) -> Iterator[InteractiveShell]:
    config = Config({"HistoryManager": {"enabled": False}})  # that of whoever runs this is theirs
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICSPRO_HOME", str(shop_home.path))
        made = InteractiveShell(config=config)
        made.run_line_magic("load_ext", "analyticspro")
        yield made


def test_a_cell_gives_a_frame_and_names_it(shell: InteractiveShell):
    shown = shell.run_cell_magic("sql", "counted", "SELECT count(*) AS n FROM events")
    assert isinstance(shown, pl.DataFrame)
    assert shown.rows() == [(len(EVENTS),)]
    assert shell.user_ns["counted"] is shown
    assert shell.run_cell_magic("sql", "", "SELECT 1 AS x").rows() == [(1,)]


def test_a_variable_of_the_notebook_is_bound(shell: InteractiveShell):
    shell.user_ns |= {"country": "Italy' OR true --", "n": 3, "unused": object()}
    cell = "SELECT $n AS n, count(*) AS found FROM events WHERE country = $country -- $unused '$n'"
    assert shell.run_cell_magic("sql", "", cell).rows() == [(3, 0)]


@pytest.mark.parametrize(
    ("line", "cell", "told"),
    [
        ("", "SELECT * FROM hot", "No view 'hot'"),
        ("", "DROP TABLE hot", "Only SELECT"),
        ("", "SELECT $nowhere", r"No value is given for \$nowhere"),
        ("not a name", "SELECT 1", "is no name for a variable"),
        ("class", "SELECT 1", "is no name for a variable"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(line: str, cell: str, told: str, shell: InteractiveShell):
    with pytest.raises(UsageError, match=told):
        shell.run_cell_magic("sql", line, cell)


def test_a_cut_answer_warns(shop_home: Home):
    with pytest.warns(UserWarning, match="first 100,000 rows"):
        found = ap.connect(shop_home.path).sql("FROM range($n)", {"n": 100_001})
    assert found.height == 100_000
