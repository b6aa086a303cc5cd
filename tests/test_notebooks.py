"""Every notebook is clean as committed, has no logic of its own, and runs as it stands."""

from __future__ import annotations

import ast
import os
import tokenize
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from analyticspro.config import Home
from analyticspro.workspace import Workspace

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
WITH_PARAMETERS = [
    name for name in NOTEBOOKS if name.startswith(("notebooks/dashboards/", "notebooks/reports/"))
]
LOGIC = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.If,
    ast.Try,
    ast.TryStar,
    ast.With,
    ast.AsyncWith,
    ast.Match,
    ast.Lambda,
)


def read(name: str) -> Any:
    return nbformat.read(ROOT / name, as_version=4)


def code_cells(name: str) -> list[Any]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def parameters(name: str) -> list[Any]:
    return [cell for cell in code_cells(name) if "parameters" in cell.metadata.get("tags", [])]


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small demo company, and nothing running."""
    home = Home(tmp_path_factory.mktemp("demo")).prepare()
    with Workspace.open(home) as workspace:
        workspace.load_demo(5_000, 7, progress=lambda step: None)
    return home.path


def test_the_shipped_notebooks_are_there():
    assert {"notebooks/dashboards/overview.ipynb", "notebooks/reports/overview.ipynb"} <= set(
        NOTEBOOKS
    )
    assert any(name.startswith("notebooks/explore/") for name in NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_valid_and_stripped(name: str):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    for cell in code_cells(name):
        assert cell.outputs == [], f"run nbconvert --clear-output --inplace {name}"
        assert cell.execution_count is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_starts_by_saying_what_it_is_for(name: str):
    first = read(name).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_hold_no_logic(name: str):
    found = [
        f"{type(node).__name__} in: {ast.unparse(node)[:60]}"
        for cell in code_cells(name)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, LOGIC)
    ]
    assert found == []


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_are_annotated_commented_literals(name: str):
    [cell] = parameters(name)
    statements = ast.parse(cell.source).body
    assert statements
    tokens = tokenize.generate_tokens(StringIO(cell.source).readline)
    commented = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign), ast.unparse(statement)
        assert statement.value is not None, ast.unparse(statement)
        ast.literal_eval(statement.value)
        lines = {statement.lineno - 1, statement.lineno, statement.end_lineno}
        assert lines & commented, f"no comment: {ast.unparse(statement)}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_its_own_defaults(name: str, demo_home: Path, tmp_path: Path):
    notebook = read(name)
    settings = {key: value for key, value in os.environ.items() if "ANALYTICSPRO" not in key}
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=settings | {"ANALYTICSPRO_HOME": str(demo_home), "PYTHONPATH": str(ROOT)})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    assert any(output.output_type in ("display_data", "execute_result") for output in outputs)
