from __future__ import annotations

import pytest

from analyticspro.config import Home
from tests.metrics.shop import EVENTS, Shop


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A workspace with the awkward shop of the metrics' proofs; nothing runs on it."""
    home = Home(tmp_path_factory.mktemp("shop") / "home").prepare()
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
    home.write_settings(name="Corner shop", currency="GBP")
    return home
