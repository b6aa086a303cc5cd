"""Text bound to the parameters of a notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from analyticspro import notebooks
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.reporting.parameters import bind

CELL = """
# Which period.
period: str = "latest"
top: int = 10  # how many rows
rate: float = 0.5  # above which
compare: bool = True  # with the period before
metrics: list = ["revenue"]  # which
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "mine.ipynb"
    cell = new_code_cell(CELL, metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "x", "language": "python"}
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": kernel}), path)
    return path


def test_text_becomes_the_declared_type(source: Path):
    given = {"period": "2011", "top": "5", "rate": "0.25", "compare": "False"}
    assert bind(source, given) == {"period": "2011", "top": 5, "rate": 0.25, "compare": False}
    assert bind(source, {}) == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("top", "five", "Parameter top is 'five'; it must be a whole number"),
        ("rate", "", "it must be a number"),
        ("compare", "yes", "it must be true or false"),
        ("metrics", "[]", "cannot be written as text"),
    ],
)
def test_an_ill_typed_value_is_refused(source: Path, name: str, text: str, words: str):
    with pytest.raises(DefinitionError, match=words):
        bind(source, {name: text})


def test_an_unknown_parameter_is_refused(source: Path):
    with pytest.raises(UnknownName, match=r"No parameter 'topp' in report 'mine'. Did you mean"):
        bind(source, {"topp": "5"})


def test_the_shipped_notebooks_are_found_by_name():
    assert "overview" in notebooks.names("reports")
    assert notebooks.find("dashboards", "overview").is_file()
    with pytest.raises(UnknownName, match=r"No report 'overvew'. Did you mean 'overview'"):
        notebooks.find("reports", "overvew")
    with pytest.raises(UnknownName, match="Did you mean 'reports'"):
        notebooks.names("report")
