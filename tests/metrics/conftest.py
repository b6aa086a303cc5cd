from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.shop import EVENTS, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The awkward shop, as `EVENTS` tells it; to be read only."""
    with Shop.at(tmp_path_factory.mktemp("shop")) as opened:
        yield opened.holds(EVENTS)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Shop]:
    """A shop in which nothing has happened yet."""
    with Shop.at(tmp_path) as opened:
        yield opened
