from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.shop import EVENTS, Shop


@pytest.fixture(scope="module", params=["from events", "from rollups"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The awkward shop, as `EVENTS` tells it; to be read only."""
    with Shop.at(tmp_path_factory.mktemp("shop")) as opened:
        is_rolled = request.param == "from rollups"
        yield opened.holds_in_two_steps(EVENTS) if is_rolled else opened.holds(EVENTS)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shop]:
    """A shop in which nothing has happened yet."""
    with Shop.at(tmp_path) as opened:
        yield opened
