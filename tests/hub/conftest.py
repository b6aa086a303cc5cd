from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyticspro.config import Home
from tests.hub.serving import Person, serving


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("hub") / "home").prepare()
    with serving(home):
        yield home


@pytest.fixture(scope="module")
def people(hub: Home) -> Iterator[dict[str, Person]]:
    """Everybody, signed in."""
    found = {name: Person(hub, name) for name in ("vera", "mara", "ada", "root", "nil")}
    for one in found.values():
        assert one.sign_in().status_code == 200
    yield found
    for one in found.values():
        one.close()
