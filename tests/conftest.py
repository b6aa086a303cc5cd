"""What many tests start from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.workspace import Workspace
from tests.servers.postgresql import Server, cluster

ROOT = Path(__file__).parent.parent
collect_ignore = ["servers/s3_console.py"]  # run by another Python, which has boto3
RETAIL_SOURCES = ROOT / "examples" / "online-retail" / "sources.toml"

CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests: they are not what is tested."""
    for name in list(os.environ):
        if name.startswith("ANALYTICSPRO_") and name != "ANALYTICSPRO_TEST_DATA":
            del os.environ[name]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty workspace."""
    return Home(tmp_path / "home").prepare()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL; each test makes databases of its own in it."""
    with cluster() as server:
        yield server


@pytest.fixture(scope="session")
def retail_folder() -> Path:
    """The folder with the real Online Retail file."""
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    folder = data / "online-retail"
    if not (folder / "online_retail.csv.gz").is_file():
        pytest.skip(
            f"not tested: the figures of the real Online Retail data, since {folder} is not "
            "there; set ANALYTICSPRO_TEST_DATA"
        )
    return folder


@pytest.fixture(scope="session")
def retail_home(retail_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A workspace with the whole of Online Retail. Only read it, or copy its folder."""
    home = Home(tmp_path_factory.mktemp("retail") / "home").prepare()
    sources = load(RETAIL_SOURCES, {"ONLINE_RETAIL": str(retail_folder)})
    with Workspace.open(home) as workspace:
        [report] = workspace.sync(sources, progress=lambda step: None)
    assert report.error is None
    return home


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser; `make test-browser` says where it is."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()
