"""A real page server and a real api."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analyticspro.config import Home
from tests.dashboards_server.serving import Site, new_home, start, stop, write_notebooks


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_notebooks(tmp_path_factory.mktemp("notebooks"))


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose api runs."""
    home = new_home(tmp_path_factory.mktemp("site") / "home")
    process = start("analyticspro.api", home, home.settings.api_port)
    yield home
    stop(process)


@pytest.fixture(scope="session")
def shared_site(api: Home, notebooks: Path) -> Iterator[Site]:
    server = start("analyticspro.dashboards", api, api.settings.port, "--notebooks", str(notebooks))
    yield Site(api, notebooks, server)
    stop(server)


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The site, as one sees it who is not signed in."""
    return replace(shared_site)


@pytest.fixture
def signed_in(site: Site) -> Site:
    site.sign_in()
    return site


@pytest.fixture
def make_site(notebooks: Path) -> Iterator[Callable[..., Site]]:
    """Starts a page server for one test alone."""
    made: list[Site] = []

    def make(home: Home, *more: str) -> Site:
        options = ("--notebooks", str(notebooks), *more)
        server = start("analyticspro.dashboards", home, home.settings.port, *options)
        made.append(Site(home, notebooks, server))
        return made[-1]

    yield make
    for site in made:
        if site.server.poll() is None:
            stop(site.server)


@pytest.fixture
def own_site(
    signed_in: Site, make_site: Callable[..., Site], tmp_path: Path
) -> Callable[..., Site]:
    """Starts a page server for one test alone, signed in to, with the api of the others."""

    def make(*more: str) -> Site:
        home = new_home(tmp_path / "home")
        home.api_file.write_text(signed_in.home.api_file.read_text())
        home.token_file.write_text(signed_in.home.token())
        site = make_site(home, *more)
        site.sign_in(signed_in.link())
        return site

    return make
