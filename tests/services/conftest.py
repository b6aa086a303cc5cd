"""Homes whose services are small stand-ins under a real supervisord."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyticspro import services
from analyticspro.config import Home
from analyticspro.services import Service
from tests.local import free_ports

HERE = Path(__file__).parent
SERVICES = (
    Service("api", "standin_api", "api_port", stop_seconds=5),
    Service("dashboards", "standin_pages", "port", stop_seconds=5),
)


@pytest.fixture(autouse=True)
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins can be run by `python -m`."""
    folder = tmp_path / "modules"
    folder.mkdir()
    for service in SERVICES:
        shutil.copy(HERE / "standin.py", folder / f"{service.module}.py")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{HERE.parents[1]}")


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    made: list[Home] = []

    def make(name: str = "home") -> Home:
        home = Home(tmp_path / name).prepare()
        home.write_settings(**free_ports())
        made.append(home)
        return home

    yield make
    for home in made:
        (home.path / "not ready").unlink(missing_ok=True)
        services.down(home, services=SERVICES)


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()
