"""A log that was torn is read up to its last whole commit; a damaged one is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analyticspro.errors import WarehouseError
from tests.warehouse.test_failing_disk import batch, held, opened, store


class Logged:
    """A warehouse whose last commits are in its log, as a kill leaves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        live = folder / "live" / "w.duckdb"
        live.parent.mkdir()
        warehouse = opened(live)
        self.sizes = [0]
        for number in range(3):
            store(warehouse, batch(number, 2, 50))
            self.sizes.append(live.with_name("w.duckdb.wal").stat().st_size)
        self.file = live.read_bytes()
        self.log = live.with_name("w.duckdb.wal").read_bytes()
        warehouse.close()

    def put(self, log: bytes) -> Path:
        """Return a copy of the warehouse that has `log`."""
        folder = self.folder / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "w.duckdb").write_bytes(self.file)
        (folder / "w.duckdb.wal").write_bytes(log)
        return folder / "w.duckdb"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    return Logged(tmp_path_factory.mktemp("logged"))


def check_torn(logged: Logged, cut: int) -> None:
    file = logged.put(logged.log[:cut])
    commits = 3 if cut == len(logged.log) else 2
    warehouse = opened(file)
    assert held(warehouse) == 2 * commits
    assert store(warehouse, batch(2, 2, 50)).new == 6 - 2 * commits
    warehouse.close()
    warehouse = opened(file)
    assert held(warehouse) == 6
    warehouse.close()


def test_a_torn_log_leaves_all_whole_commits(logged: Logged):
    start, end = logged.sizes[2], logged.sizes[3]
    near = {start, start + 1, start + 8, start + 16, end - 9, end - 1, end}
    for cut in sorted(near | set(range(start, end, (end - start) // 12))):
        check_torn(logged, cut)


@pytest.mark.soak
def test_a_log_torn_anywhere_leaves_all_whole_commits(logged: Logged):
    for cut in range(logged.sizes[2], logged.sizes[3] + 1):
        check_torn(logged, cut)


def test_a_damaged_log_is_refused_and_left_alone(logged: Logged):
    start, end = logged.sizes[1], logged.sizes[2]
    for position in range(start + 20, end, (end - start) // 8):
        damaged = bytearray(logged.log)
        damaged[position] ^= 0x55
        file = logged.put(bytes(damaged))
        with pytest.raises(WarehouseError, match=r"cannot be opened: .*Restore a copy"):
            opened(file)
        assert file.with_name("w.duckdb.wal").read_bytes() == damaged
    warehouse = opened(logged.put(logged.log))
    assert held(warehouse) == 6
    warehouse.close()
