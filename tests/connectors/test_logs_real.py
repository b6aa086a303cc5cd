"""The access log of a real server, synced whole."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.connectors import PagedSource, load
from analyticspro.ingest import Report, sync
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from tests.connectors.log_lines import LINE, ROOT
from tests.local import NoSecrets


@pytest.fixture
def real_log(tmp_path: Path) -> Path:
    """The real access log, unpacked as a server would have it."""
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    packed = data / "access-log" / "access.log.gz"
    if not packed.is_file():
        pytest.skip(
            f"not tested: the figures of the real access log, since {packed} is not there; "
            "set ANALYTICSPRO_TEST_DATA"
        )
    log = tmp_path / "access.log"
    log.write_bytes(gzip.decompress(packed.read_bytes()))
    return log


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    try:
        yield opened
    finally:
        opened.close()


def synced(source: PagedSource, warehouse: Warehouse) -> Report:
    report = sync(source, warehouse, secrets=NoSecrets(), progress=lambda _: None)
    assert report.error is None
    return report


def test_ten_thousand_real_requests(real_log: Path, warehouse: Warehouse):
    [source] = load(
        ROOT / "examples" / "access-log" / "sources.toml", {"ACCESS_LOG": str(real_log)}
    )
    assert isinstance(source, PagedSource)

    report = synced(source, warehouse)
    assert (report.records, report.new, report.rejected) == (10_000, 9_999, 1)
    with warehouse.reader(OWNER) as reader:
        found = reader.frame("SELECT (properties->>'status')::INT AS status, name FROM events")
        [reject] = reader.frame("SELECT reason FROM rejects").rows()
    statuses = Counter(found["status"])
    assert (statuses[200], statuses[404], statuses[500]) == (9_125, 213, 3)
    assert Counter(found["name"])["request_failed"] == 3
    assert "no agent in quotes" in reject[0]

    again = synced(source, warehouse)
    assert (again.records, again.new) == (0, 0)
    with open(real_log, "ab") as log:
        log.write(LINE.encode() + b"\n")
    grown = synced(source, warehouse)
    assert (grown.records, grown.new) == (1, 1)
