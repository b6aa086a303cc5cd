from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyticspro.config import Home
from tests.api.server import Server, serving
from tests.metrics.shop import EVENTS, Shop


@pytest.fixture(scope="module")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A workspace with the awkward shop of the metrics' proofs."""
    home = Home(tmp_path_factory.mktemp("shop")).prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    home.write_settings(name="Corner shop", currency="GBP", timezone="Europe/London")
    return home


@pytest.fixture(scope="module")
def server(shop_home: Home) -> Iterator[Server]:
    """Its running api."""
    with serving(shop_home) as running:
        yield running
