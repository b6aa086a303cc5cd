"""A warehouse in a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.warehouse import Warehouse


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the warehouse is."""
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def warehouse(file: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """An open, empty warehouse."""
    opened = Warehouse.open(file, backups=tmp_path / "backups")
    try:
        yield opened
    finally:
        opened.close()
