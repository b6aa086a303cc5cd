from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.warehouse import Warehouse
from tests.ingest.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop without files yet."""
    folder = tmp_path / "files"
    folder.mkdir()
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    try:
        yield Shop(folder, warehouse)
    finally:
        warehouse.close()
