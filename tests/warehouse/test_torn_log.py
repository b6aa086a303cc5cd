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

    def put(self, log: bytes | None, *, confirmed: int) -> Path:
        """Return a copy of the warehouse that has `log`, and whose last commits were confirmed."""
        folder = self.folder / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "w.duckdb").write_bytes(self.file)
        if log is not None:
            (folder / "w.duckdb.wal").write_bytes(log)
        (folder / "w.duckdb.confirmed").write_text(f"{confirmed:020d}\n")
        return folder / "w.duckdb"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    return Logged(tmp_path_factory.mktemp("logged"))


def check_torn(logged: Logged, cut: int) -> None:
    file = logged.put(logged.log[:cut], confirmed=2)  # a kill came before the third was
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


def refused(logged: Logged, log: bytes | None) -> None:
    file = logged.put(log, confirmed=3)
    with pytest.raises(WarehouseError, match=r"cannot be opened: .*Restore a copy"):
        opened(file)
    if log is not None:
        assert file.with_name("w.duckdb.wal").read_bytes() == log


def damaged(logged: Logged, position: int) -> bytes:
    log = bytearray(logged.log)
    log[position] ^= 0x55
    return bytes(log)


def test_a_damaged_log_is_refused_and_left_alone(logged: Logged):
    start, end = logged.sizes[1], logged.sizes[2]
    for position in range(start + 20, end, (end - start) // 8):
        refused(logged, damaged(logged, position))
    warehouse = opened(logged.put(logged.log, confirmed=3))
    assert held(warehouse) == 6
    warehouse.close()


def test_a_length_that_is_damaged_is_no_torn_end(logged: Logged):
    """DuckDB alone would leave two confirmed commits out and say nothing."""
    for position in range(logged.sizes[1], logged.sizes[1] + 8):
        refused(logged, damaged(logged, position))


def test_a_log_that_is_gone_is_missed(logged: Logged):
    refused(logged, None)
    refused(logged, logged.log[: logged.sizes[2]])


def test_what_is_missing_can_be_done_without(logged: Logged):
    file = logged.put(logged.log[: logged.sizes[2]], confirmed=3)
    file.with_name("w.duckdb.confirmed").unlink()
    warehouse = opened(file)
    assert held(warehouse) == 4
    assert store(warehouse, batch(2, 2, 50)).new == 2
    assert file.with_name("w.duckdb.confirmed").read_text() == f"{3:020d}\n"
    warehouse.close()


def test_a_file_that_was_taken_away_is_begun_anew(logged: Logged):
    file = logged.put(None, confirmed=3)
    file.unlink()
    warehouse = opened(file)
    assert held(warehouse) == 0
    warehouse.close()


@pytest.mark.soak
def test_bytes_that_are_damaged_all_over_are_refused(logged: Logged):
    for position in range(logged.sizes[1], logged.sizes[3], 7):
        refused(logged, damaged(logged, position))
