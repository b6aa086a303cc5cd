"""A log is read once and whole, however it is rotated, and wherever a sync is killed."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyticspro.connectors import Page, parse
from analyticspro.connectors.logs import STREAM, LogsConnector
from analyticspro.connectors.logs_source import LogsSource
from analyticspro.errors import SourceError

NOW = datetime.now(UTC)
MUCH_LATER = NOW + timedelta(hours=2)


class Log:
    """A live log in a folder of its own, and what a reader has of it."""

    def __init__(self, folder: Path, name: str = "app.log") -> None:
        self.folder = folder
        self.live = folder / name
        source = parse(
            {
                "name": "app",
                "connector": "logs",
                "path": str(self.live),
                "format": "ndjson",
                "event": "logged",
                "occurred_at": {"column": "n", "format": "epoch_s"},
            },
            "sources.toml",
        )
        assert isinstance(source, LogsSource)
        self.connector = LogsConnector(source)
        self.cursor: str | None = None
        self.read: list[int] = []
        self.ids: set[str] = set()
        self.rejects: list[str] = []
        self.written = 0

    def write(self, count: int = 1) -> Log:
        """Write lines with the next numbers."""
        with open(self.live, "a") as file:
            for _ in range(count):
                file.write(f'{{"n": {self.written}}}\n')
                self.written += 1
        return self

    def write_text(self, text: str) -> Log:
        with open(self.live, "a") as file:
            file.write(text)
        return self

    def path(self, suffix: str) -> Path:
        return self.live.with_name(self.live.name + suffix)

    def pages(self, now: datetime = NOW) -> Iterator[Page]:
        return self.connector.read(STREAM, self.cursor, now=now)

    def take(self, page: Page) -> None:
        """Commit a page."""
        for event in page.batch.events.iter_rows(named=True):
            if event["event_id"] not in self.ids:
                self.ids.add(event["event_id"])
                self.read.append(int(event["occurred_at"].timestamp()))
        self.rejects += page.batch.rejects["reason"].to_list()
        self.cursor = page.cursor

    def sync(self, now: datetime = NOW) -> list[int]:
        """Read all there is; return the numbers that are new."""
        before = len(self.read)
        for page in self.pages(now):
            self.take(page)
        return self.read[before:]

    def rename(self) -> None:
        """Rotate as logrotate does: log → log.1 → log.2.gz → log.3.gz."""
        for number in range(8, 1, -1):
            if self.path(f".{number}.gz").exists():
                self.path(f".{number}.gz").rename(self.path(f".{number + 1}.gz"))
        if self.path(".1").exists():
            self.pack(".1", ".2.gz")
        if self.live.exists():
            self.live.rename(self.path(".1"))

    def pack(self, before: str, after: str) -> None:
        status = self.path(before).stat()
        self.path(after).write_bytes(gzip.compress(self.path(before).read_bytes()))
        os.utime(self.path(after), ns=(status.st_atime_ns, status.st_mtime_ns))
        self.path(before).unlink()

    def copy_and_truncate(self) -> None:
        for number in range(8, 0, -1):
            if self.path(f".{number}").exists():
                self.path(f".{number}").rename(self.path(f".{number + 1}"))
        shutil.copy(self.live, self.path(".1"))
        os.truncate(self.live, 0)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_only_what_came_since_is_read(log: Log):
    assert log.write(3).sync() == [0, 1, 2]
    assert log.sync() == []
    assert log.write(2).sync() == [3, 4]


def test_nothing_new_is_nothing_to_commit(log: Log):
    log.write(3).sync()
    assert list(log.pages()) == []


def test_part_of_a_line_waits_for_its_end(log: Log):
    log.write(1).write_text('{"n": ')
    assert log.sync() == [0]
    assert log.sync() == []
    log.write_text("1}\n")
    assert log.sync() == [1]
    assert log.rejects == []


def test_the_first_sync_reads_what_was_rotated_before(log: Log):
    for _ in range(4):
        log.write(2).rename()
    assert log.write(1).sync() == list(range(9))


def test_a_log_rotated_meanwhile_is_finished_before_the_new_one(log: Log):
    log.write(2).sync()
    log.write(2).rename()
    assert log.write(2).sync() == [2, 3, 4, 5]


def test_a_log_rotated_many_times_meanwhile_is_finished_first(log: Log):
    log.write(2).sync()
    for _ in range(3):
        log.write(2).rename()
    assert log.write(1).sync() == list(range(2, 9))
    assert log.rejects == []


def test_a_log_that_was_copied_and_truncated_is_finished_from_its_copy(log: Log):
    log.write(2).sync()
    log.write(2).copy_and_truncate()
    assert log.write(5).sync() == list(range(2, 9))
    log.copy_and_truncate()
    assert log.write(1).sync() == [9]
    assert log.rejects == []


def test_lines_written_after_the_renaming_are_read_too(log: Log):
    log.write(1)
    with open(log.live, "a") as server:
        log.rename()
        log.write(1)
        assert log.sync() == [0, 1]
        server.write('{"n": 70}\n')
    assert log.sync() == [70]


def test_a_renamed_log_is_not_read_again(log: Log):
    log.write(3).sync()
    log.rename()
    assert log.sync() == []
    log.rename()
    assert log.sync() == []
    assert list(log.pages()) == []


def test_a_new_file_under_a_used_inode_is_another(log: Log):
    log.write(3).sync()
    shutil.copy(log.live, log.path(".1"))
    inode = log.live.stat().st_ino
    log.live.write_text("")
    log.write(4)
    assert log.live.stat().st_ino == inode
    assert log.sync() == [3, 4, 5, 6]


def test_files_that_begin_alike_are_told_by_what_follows(log: Log):
    header = '{"version": 1}\n'
    log.write_text(header).write(2).sync()
    log.rename()
    log.write_text(header).write(3)
    assert log.sync() == [2, 3, 4]
    assert [reason.partition(" (")[0] for reason in log.rejects] == ["is missing"] * 2


def test_the_same_line_at_the_same_place_of_another_file_is_another(log: Log):
    log.write_text('{"n": 5, "first": true}\n{"n": 7}\n').sync()
    log.rename()
    log.write_text('{"n": 6, "first": true}\n{"n": 7}\n')
    assert log.sync() == [6, 7]


def test_dated_names_and_zstd_are_found(log: Log):
    import pyarrow

    log.write(2).sync()
    log.write(2)
    packed = pyarrow.Codec("zstd").compress(log.live.read_bytes(), asbytes=True)
    log.path("-20260131.zst").write_bytes(packed)
    log.live.unlink()
    log.write(1).live.rename(log.folder / "app-20260201.log")
    assert log.write(1).sync() == [2, 3, 4, 5]


@pytest.mark.parametrize("name", ["app.log.bak", "app.log.old", "other.log.1", "app.log~"])
def test_what_is_no_rotated_log_is_left_alone(log: Log, name: str):
    log.write(1)
    (log.folder / name).write_text('{"n": 70}\n')
    assert log.sync() == [0]


def test_a_log_that_is_just_being_packed_is_read_unpacked(log: Log):
    log.write(2).sync()
    log.write(2).rename()
    log.path(".1.gz").write_bytes(gzip.compress(log.path(".1").read_bytes())[:10])
    assert log.write(1).sync() == [2, 3, 4]


def test_a_damaged_archive_is_an_error_and_costs_the_others_nothing(log: Log):
    log.write(1)
    log.path(".2.gz").write_bytes(gzip.compress(b'{"n": 70}\n')[:-5])
    with pytest.raises(SourceError, match="not a whole gzip file"):
        log.sync()
    assert log.read == [0]
    log.write(1)
    with pytest.raises(SourceError):
        log.sync()
    assert log.read == [0, 1]


def test_the_last_line_of_a_rotated_log_is_read_once_it_cannot_grow(log: Log):
    log.write(1).write_text('{"n": 1}').sync()
    log.rename()
    log.written = 2
    assert log.write(1).sync() == [2]
    assert log.sync(MUCH_LATER) == [1]
    assert log.sync(MUCH_LATER) == []


def test_the_torn_line_of_a_packed_log_is_set_aside(log: Log):
    log.write(1).write_text('{"n": ').sync()
    log.rename()
    log.pack(".1", ".2.gz")
    log.sync()
    [reason] = log.rejects
    assert "is not JSON" in reason
    assert "(at byte 9 of file " in reason


def test_a_log_that_was_emptied_without_a_copy_says_so(log: Log):
    log.write(2).sync()
    os.truncate(log.live, 0)
    assert log.write(1).sync() == [2]
    [reason] = log.rejects
    assert reason.startswith("was removed or emptied after byte 18")
    log.write(1).sync()
    assert len(log.rejects) == 1


def test_a_log_that_is_not_there_says_where_it_should_be(log: Log):
    with pytest.raises(SourceError, match=r"there is no .*app\.log"):
        log.sync()
    log.folder.joinpath("gone").mkdir()
    gone = Log(log.folder / "gone")
    gone.folder.rmdir()
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        gone.sync()


def test_between_renaming_and_the_new_log_nothing_is_wrong(log: Log):
    log.write(2).sync()
    log.write(1).rename()
    assert log.sync() == [2]
    assert log.write(1).sync() == [3]
    assert log.rejects == []


def test_a_killed_sync_goes_on_at_the_last_committed_page(log: Log):
    log.write(120_000)
    pages = log.pages()
    log.take(next(pages))
    lost = next(pages)
    assert lost.batch.records == 50_000
    assert len(log.sync()) == 70_000
    assert log.read == list(range(120_000))


def test_a_killed_sync_keeps_what_it_knew_of_the_files_it_did_not_reach(log: Log):
    log.write(1)
    with open(log.live, "a") as server:
        log.rename()
        log.write(100).sync()
        server.write('{"n": 700}\n')
    log.write(1)
    log.take(next(log.pages()))
    assert log.read[-1] == 700
    assert [page.batch.records for page in log.pages()] == [1]


def test_a_page_is_bounded_in_bytes_too(log: Log):
    log.write_text(f'{{"n": 1, "more": "{"x" * 900_000}"}}\n' * 40)
    assert [page.batch.records for page in log.pages()] == [18, 18, 4]


STEPS = st.lists(
    st.sampled_from(["write", "write", "begin", "rename", "copy", "sync", "kill", "kill"]),
    max_size=25,
)


@settings(max_examples=80)
@given(steps=STEPS)
def test_every_line_is_read_once_whatever_happens(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("log")
    log = Log(folder)
    is_begun = False
    for step in ["write", *steps, "write", "sync"]:
        match step:
            case "begin" if not is_begun:
                log.write_text(f'{{"n": {log.written}')
                is_begun = True
            case "write" if is_begun:
                log.write_text("}\n")
                log.written += 1
                is_begun = False
            case "write":
                log.write(2)
            case "rename" if not is_begun and not log.path(".9.gz").exists():
                shutil.rmtree(folder / "copies", ignore_errors=True)
                if not log.path(".2").exists():
                    log.rename()
            case "copy" if log.live.exists() and not is_begun and not log.path(".2.gz").exists():
                log.copy_and_truncate()
            case "sync":
                log.sync()
            case "kill":
                for page in log.pages():
                    log.take(page)
                    break
    if is_begun:
        log.write_text("}\n")
        log.written += 1
    log.sync()
    assert sorted(log.read) == list(range(log.written))
    assert log.rejects == []
    shutil.rmtree(folder)
