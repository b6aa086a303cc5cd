from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.warehouse import Warehouse
from tests.ingest.shop import Shop


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse."""
    opened = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def shop(tmp_path: Path, warehouse: Warehouse) -> Shop:
    """A shop without files yet."""
    folder = tmp_path / "files"
    folder.mkdir()
    return Shop(folder, warehouse)
