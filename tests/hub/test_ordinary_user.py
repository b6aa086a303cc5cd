"""The whole of tests/hub once more, where an ordinary user starts the hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.conftest import AS_USER, ORDINARY

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0, reason="this is an ordinary user: tests/hub is the test"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="analyticspro-ordinary-"))
    os.chown(made, ORDINARY, ORDINARY)
    yield made
    shutil.rmtree(made)


def test_a_hub_that_an_ordinary_user_starts(folder: Path):
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
             f"--basetemp={folder / 'tests'}", "tests/hub/test_hub.py"]  # fmt: skip
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [sys.executable, str(AS_USER), str(ORDINARY), *tests]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
