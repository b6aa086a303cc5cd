"""When the disk fails, what was acknowledged is there, and the message names the cure.

A disk is made full in two ways: by a limit on the size of files, which a process may set for
itself, and, where the tests are run by root, by a disk of a few megabytes.
"""

from __future__ import annotations

import base64
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from analyticspro.errors import AnalyticsProError, RetriableError, WarehouseError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Stored, Warehouse
from analyticspro.warehouse.schema import MIGRATIONS
from tests.ingest.shop import Shop

NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
MIB = 1 << 20
IS_ROOT = os.geteuid() == 0


def opened(file: Path) -> Warehouse:
    return Warehouse.open(file, backups=file.parent / "backups")


def batch(number: int, rows: int, size: int) -> pl.DataFrame:
    """Return events of a batch, each of about `size` bytes that cannot be packed."""
    noise = random.Random(number)
    return pl.DataFrame(
        [
            {
                "event_id": f"{number}-{row}",
                "name": "order_placed",
                "occurred_at": NOW,
                "properties": "{}",
                "raw": base64.b64encode(noise.randbytes(size * 3 // 4)).decode(),
            }
            for row in range(rows)
        ],
        schema=SCHEMA,
    )


def store(warehouse: Warehouse, events: pl.DataFrame, at: datetime = NOW) -> Stored:
    with warehouse.writer() as writer, writer.commit(at):
        return writer.store(
            "shop", "a", events, mode=WriteMode.APPEND, received_at=at, watermark=None
        )


def held(warehouse: Warehouse) -> int:
    """Return how many events there are: each once, numbered, its revisions without a gap."""
    with warehouse.reader(OWNER) as reader:
        [row] = reader.frame(
            "SELECT count(*), count(DISTINCT event_id), count(DISTINCT seq) FROM events"
        ).rows()
        [revisions] = reader.frame(
            "SELECT count(DISTINCT revision), coalesce(max(revision), 0), "
            "(SELECT coalesce(max(revision), 0) FROM events) FROM ledger"
        ).rows()
        ledger = reader.frame("SELECT coalesce(sum(new), 0)::BIGINT AS n FROM ledger")["n"][0]
    assert len({*row, ledger}) == 1, (row, ledger)
    assert revisions[0] == revisions[1] >= revisions[2]
    return int(ledger)


@contextmanager
def readers(warehouse: Warehouse, number: int) -> Iterator[list[Exception]]:
    """Have threads read all the while; give what they ran into."""
    failures: list[Exception] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.wait(0.005):
            try:
                held(warehouse)
            except (AnalyticsProError, duckdb.Error) as error:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def until_full(warehouse: Warehouse, size: int) -> int:
    """Store batches of 5 until one does not go in; return its number."""
    message = "the disk is never full"
    for number in range(1_000):
        try:
            store(warehouse, batch(number, 5, size))
        except RetriableError as error:
            message = str(error)
            break
    assert "no space is left" in message
    assert "Make room on its disk" in message
    return number


def fill_and_go_on(file: Path, size: int, make_room: Callable[[], None]) -> None:
    """Store batches of 5 until nothing goes in; then make room, and go on with the same one.

    What was not acknowledged may yet be there: DuckDB can fail after it wrote its log.
    """
    warehouse = opened(file)
    with readers(warehouse, 2) as failures:
        done = until_full(warehouse, size)
        events = batch(done, 5, size)
        assert held(warehouse) in (5 * done, 5 * done + 5)
        for _ in range(2):
            with suppress(RetriableError):
                store(warehouse, events)
            assert held(warehouse) in (5 * done, 5 * done + 5)
        make_room()
        stored = store(warehouse, events)
        assert stored.new + stored.unchanged == 5
        assert store(warehouse, events).unchanged == 5
    assert [error for error in failures if not isinstance(error, RetriableError)] == []
    assert held(warehouse) == 5 * done + 5
    warehouse.close()
    warehouse = opened(file)
    assert held(warehouse) == 5 * done + 5
    assert store(warehouse, events).unchanged == 5
    warehouse.close()


def fill_and_go_on_under_a_limit(file: str, size: str, limit: str) -> None:
    """Do that in this process, of which no file may grow beyond `limit` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    fill_and_go_on(
        Path(file),
        int(size),
        lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        ),
    )


class Disk:
    """A disk of its own in memory, for which one has to be root."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def mount(self, *options: str) -> None:
        text = ",".join(options)
        command = ["mount", "-t", "tmpfs", "-o", text, "tmpfs", str(self.place)]
        subprocess.run(command, check=True)

    def remount(self, *options: str) -> None:
        text = ",".join(("remount", *options))
        subprocess.run(["mount", "-o", text, str(self.place)], check=True)

    def leave(self, room: int) -> Path:
        """Write a file that leaves so many bytes."""
        ballast = self.place / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(self.place).free - room))
        return ballast


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    made = Disk(place)
    made.mount("size=4m")
    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


# The log (WAL) outgrows the limit; or the file, when the log is written into it: then DuckDB
# gives up, and has to open the file again.
@pytest.mark.parametrize(
    ("size", "limit"),
    [
        pytest.param(100_000, 4 * MIB, id="at a commit"),
        pytest.param(
            2 * MIB,
            70 * MIB,
            id="at a checkpoint",
            # It takes a while; root has a disk for it, below.
            marks=[pytest.mark.soak] if IS_ROOT else [],
        ),
    ],
)
def test_a_process_goes_on_once_its_file_may_grow_again(tmp_path: Path, size: int, limit: int):
    code = (
        "import sys; from tests.warehouse.test_failing_disk import *; "
        "fill_and_go_on_under_a_limit(*sys.argv[1:])"
    )
    file = tmp_path / "w.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), str(size), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


if IS_ROOT:

    @pytest.mark.parametrize(
        ("size", "room"),
        [
            pytest.param(100_000, 4, id="at a commit"),
            pytest.param(2 * MIB, 90, id="at a checkpoint"),
        ],
    )
    def test_a_process_goes_on_once_there_is_room_again(disk: Disk, size: int, room: int):
        disk.remount(f"size={room}m")
        file = disk.place / "w.duckdb"
        fill_and_go_on(file, size, lambda: disk.remount("size=400m"))

    def test_what_is_full_is_closed_and_opened_with_nothing_lost(disk: Disk):
        warehouse = opened(disk.place / "w.duckdb")
        done = until_full(warehouse, 100_000)
        for _ in range(2):
            warehouse.close()
            warehouse = opened(disk.place / "w.duckdb")
            assert held(warehouse) == 5 * done
        warehouse.close()

    def test_a_sync_onto_a_full_disk_says_so_and_goes_on_once_there_is_room(disk: Disk):
        disk.remount("size=8m")
        warehouse = opened(disk.place / "w.duckdb")
        shop = Shop(disk.place.parent, warehouse)
        shop.write(*[f"{n},2011-11-05,{'C' * 100}{n},1" for n in range(60_000)])
        report = shop.sync()
        assert report.error is not None
        assert report.error["code"] == "retriable"
        assert "no space is left" in report.error["message"]
        disk.remount("size=100m")
        report = shop.sync()
        assert report.error is None
        assert report.new + report.unchanged == held(warehouse) == 60_000
        warehouse.close()

    def test_a_warehouse_is_not_made_where_there_is_no_room(disk: Disk):
        ballast = disk.leave(0)
        with pytest.raises(RetriableError, match=r"no space is left .* Make room"):
            opened(disk.place / "w.duckdb")
        ballast.unlink()
        opened(disk.place / "w.duckdb").close()

    def test_a_migration_without_room_for_the_copy_changes_nothing(disk: Disk):
        disk.remount("size=20m")
        file = disk.place / "w.duckdb"
        warehouse = opened(file)
        store(warehouse, batch(0, 5, 400_000))
        warehouse.close()
        before, ballast = file.read_bytes(), disk.leave(MIB)
        with pytest.raises(RetriableError, match=r"no space is left .* Make room"):
            migrated(file)
        assert list((disk.place / "backups").iterdir()) == []
        assert file.read_bytes() == before
        ballast.unlink()
        migrated(file).close()
        assert len(list((disk.place / "backups").iterdir())) == 1


def migrated(file: Path) -> Warehouse:
    later = (*MIGRATIONS, "CREATE TABLE later (x INTEGER)")
    return Warehouse.open(file, backups=file.parent / "backups", migrations=later)


@contextmanager
def not_writable(file: Path, disk: Disk | None) -> Iterator[None]:
    """Let nothing be written there, by the disk for root, by its rights for others."""
    if disk is not None:
        disk.remount("ro")
    else:
        file.chmod(0o400)
        file.parent.chmod(0o500)
    try:
        yield
    finally:
        if disk is not None:
            disk.remount("rw")
        else:
            file.parent.chmod(0o700)


def test_what_cannot_be_written_is_refused_and_left_alone(
    tmp_path: Path, request: pytest.FixtureRequest
):
    disk = request.getfixturevalue("disk") if IS_ROOT else None
    folder = disk.place if disk else tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    file = folder / "w.duckdb"
    warehouse = opened(file)
    store(warehouse, batch(0, 5, 10))
    warehouse.close()
    with not_writable(file, disk):
        with pytest.raises(WarehouseError, match=r"cannot be written: .* Let this user write"):
            opened(file)
        with pytest.raises(WarehouseError, match=r"cannot be written: .* Let this user write"):
            opened(folder / "new.duckdb")
    file.chmod(0o600)
    warehouse = opened(file)
    assert held(warehouse) == 5
    warehouse.close()


def test_a_clock_set_back_changes_no_order(tmp_path: Path):
    file = tmp_path / "w.duckdb"
    warehouse = opened(file)
    for number, days in enumerate((0, -400, 0, -1)):
        store(warehouse, batch(number, 1, 10), NOW + timedelta(days=days))
        if number == 1:
            warehouse.close()
            warehouse = opened(file)
    assert store(warehouse, batch(0, 1, 10), NOW - timedelta(days=9)).unchanged == 1
    with warehouse.reader(OWNER) as reader:
        assert reader.frame("SELECT revision, seq FROM events ORDER BY seq").rows() == [
            (number, number) for number in (1, 2, 3, 4)
        ]
        assert reader.frame("SELECT revision FROM ledger")["revision"].to_list() == [*range(1, 6)]
    warehouse.close()
