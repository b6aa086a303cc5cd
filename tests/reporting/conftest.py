"""A workspace with a small demo company, and nothing running."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyticspro.config import Home
from analyticspro.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    found = Home(tmp_path_factory.mktemp("reports") / "home").prepare()
    with Workspace.open(found) as workspace:
        workspace.load_demo(4_000, 7, progress=lambda step: None)
    return found


@pytest.fixture
def reports(home: Home) -> Path:
    """The folder of executed notebooks, emptied."""
    folder = home.path / "reports"
    for path in folder.iterdir():
        path.unlink()
    return folder
