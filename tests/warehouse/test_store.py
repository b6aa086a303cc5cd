"""One process opens the warehouse; what it cannot read it refuses, and says how to go on."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import duckdb
import polars as pl
import pytest

from analyticspro.errors import WarehouseBusy, WarehouseError
from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.schema import MIGRATIONS

NEWEST = len(MIGRATIONS)
NOW = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
# Steps that a later version might bring.
LATER = (
    *MIGRATIONS,
    "ALTER TABLE hot ADD COLUMN colour VARCHAR; CREATE TABLE later (x INTEGER)",
)
FAILING = (*MIGRATIONS, "CREATE TABLE later (x INTEGER); SELECT * FROM nowhere")


def opened(file: Path, *migrations: str, wait_for_s: float = 0) -> closing[Warehouse]:
    return closing(
        Warehouse.open(
            file,
            backups=file.parent / "backups",
            migrations=migrations or MIGRATIONS,
            wait_for_s=wait_for_s,
        )
    )


def revision(warehouse: Warehouse) -> int:
    with warehouse.reader(OWNER) as reader:
        return reader.revision()


def commit(warehouse: Warehouse) -> None:
    with warehouse.writer() as writer, writer.commit(NOW):
        pass


@contextmanager
def held_by_another(file: Path) -> Iterator[subprocess.Popen[str]]:
    code = (
        "import sys; from pathlib import Path; from analyticspro.warehouse import Warehouse; "
        "held = Warehouse.open(Path(sys.argv[1]), backups=Path(sys.argv[1]).parent); "
        "print('open', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_fresh_warehouse_is_empty_and_for_its_owner_alone(warehouse: Warehouse, file: Path):
    assert revision(warehouse) == 0
    with warehouse.reader(OWNER) as reader:
        assert reader.extents().height == reader.sources().height == 0
        assert reader.rejects("shop", limit=10).height == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_committed_is_there_when_it_is_opened_again(file: Path):
    with opened(file) as warehouse:
        commit(warehouse)
    with opened(file) as warehouse:
        commit(warehouse)
        assert revision(warehouse) == 2
    assert not (file.parent / "backups").exists(), "no migration, no backup"


# Who holds it


def test_a_second_process_is_refused_and_told_who_holds_it(file: Path):
    with held_by_another(file) as other, pytest.raises(WarehouseBusy) as caught:
        opened(file)
    assert f"{file} is held by process {other.pid}. " in str(caught.value)
    with opened(file):
        pass


def test_it_waits_for_another_process_that_ends_in_time(file: Path):
    with held_by_another(file) as other:
        Timer(0.3, other.kill).start()
        with opened(file, wait_for_s=30) as warehouse:
            assert revision(warehouse) == 0


def test_a_second_opening_in_the_same_process_is_refused(file: Path):
    with opened(file) as warehouse:
        with pytest.raises(WarehouseBusy, match="open in this process already"):
            opened(file)
        with pytest.raises(WarehouseBusy):
            opened(file.parent / "." / file.name)
        assert revision(warehouse) == 0, "the first is none the worse"
    with opened(file):
        pass


def test_threads_take_turns(file: Path):
    def work(_: int) -> None:
        with opened(file, wait_for_s=60) as warehouse:
            commit(warehouse)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with opened(file) as warehouse:
        assert revision(warehouse) == 4


# Migration


def test_a_migration_keeps_the_data_and_makes_a_copy_first(file: Path):
    with opened(file) as warehouse:
        commit(warehouse)
    with opened(file, *LATER) as warehouse:
        assert revision(warehouse) == 1
        with warehouse.reader(OWNER) as reader:
            assert reader.frame("SELECT colour FROM events").height == 0
            assert reader.frame("FROM schema_version")["version"].to_list() == [
                *range(1, NEWEST + 2)
            ]
    [copy] = (file.parent / "backups").iterdir()
    assert copy.name.startswith(f"warehouse-schema{NEWEST}-")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with opened(copy) as warehouse:
        assert revision(warehouse) == 1


def test_a_migration_is_done_once(file: Path):
    for _ in range(2):
        with opened(file, *LATER):
            pass
    assert not (file.parent / "backups").exists(), "a fresh warehouse has nothing to copy"


def test_a_migration_that_fails_leaves_everything_as_it_was(file: Path):
    with opened(file) as warehouse:
        commit(warehouse)
    with pytest.raises(WarehouseError, match="nowhere"):
        opened(file, *FAILING)
    with opened(file) as warehouse, warehouse.reader(OWNER) as reader:
        assert reader.revision() == 1
        tables = reader.frame("SELECT table_name FROM information_schema.tables")["table_name"]
        assert "later" not in tables.to_list()


def test_a_newer_schema_is_refused_and_left_alone(file: Path):
    with opened(file, *LATER):
        pass
    before = file.read_bytes()
    newer = rf"has schema {NEWEST + 1}, .* newer AnalyticsPro; .* up to {NEWEST}"
    with pytest.raises(WarehouseError, match=newer):
        opened(file)
    assert file.read_bytes() == before
    with opened(file, *LATER):
        pass


# Damage


@pytest.mark.parametrize(
    "content",
    [b"", b"not a database" * 1000, b"DUCK"],
    ids=["empty", "something else", "cut short"],
)
@pytest.mark.parametrize("folder", ["plain", "locked blocks"])
def test_a_file_that_is_no_warehouse_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, folder: str
):
    file = tmp_path / folder / "warehouse.duckdb"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(WarehouseError, match=r"cannot be opened: .*Restore a copy"):
        opened(file)
    assert file.read_bytes() == content


def test_a_damaged_file_is_refused(file: Path):
    with opened(file) as warehouse:
        commit(warehouse)
    whole = file.read_bytes()
    file.write_bytes(whole[:12288] + b"\xff" * 64 + whole[12288 + 64 :])
    with pytest.raises(WarehouseError, match="Corrupt database file"):
        opened(file)
    file.write_bytes(whole)
    with opened(file) as warehouse:
        assert revision(warehouse) == 1


def test_a_folder_that_is_not_there_is_no_other_process(tmp_path: Path):
    with pytest.raises(WarehouseError, match="No such file or directory"):
        opened(tmp_path / "nowhere" / "warehouse.duckdb")


# What its SQL may reach


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('{file}')",
        "FROM read_text('{file}')",
        "FROM glob('{folder}/*')",
        "COPY ledger TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "EXPORT DATABASE '{folder}/out'",
        "INSTALL httpfs",
        "LOAD '{file}'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
    ],
)
def test_sql_cannot_reach_out_of_the_warehouse(warehouse: Warehouse, tmp_path: Path, sql: str):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = sorted(tmp_path.iterdir())
    text = sql.format(file=tmp_path / "secret.csv", folder=tmp_path)
    with warehouse.reader(OWNER) as reader, pytest.raises(duckdb.Error):
        reader.frame(text)
    assert sorted(tmp_path.iterdir()) == before


def test_sql_cannot_see_the_variables_of_python(warehouse: Warehouse):
    secret = pl.DataFrame({"a": [1]})
    with warehouse.reader(OWNER) as reader, pytest.raises(duckdb.CatalogException):
        reader.frame("FROM secret")
    assert secret.height == 1


@pytest.mark.parametrize(
    "sql", ["DROP TABLE events", "DELETE FROM ledger", "UPDATE ledger SET revision = 9"]
)
def test_a_reader_cannot_write(warehouse: Warehouse, sql: str):
    commit(warehouse)
    with warehouse.reader(OWNER) as reader, pytest.raises(duckdb.Error, match="read-only"):
        reader.frame(sql)
    assert revision(warehouse) == 1


def test_a_reader_sees_one_moment(warehouse: Warehouse):
    commit(warehouse)
    with warehouse.reader(OWNER) as reader:
        assert reader.revision() == 1
        commit(warehouse)
        assert reader.revision() == 1
    assert revision(warehouse) == 2


def test_a_file_is_made_whole_or_not_at_all(tmp_path: Path):
    file = tmp_path / "warehouse.duckdb"
    with opened(file) as warehouse:
        assert revision(warehouse) == 0
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_damage_that_shows_only_when_read_names_the_cure(file: Path):
    with opened(file) as warehouse, warehouse.writer() as writer:
        for number in range(200):
            with writer.commit(NOW):
                writer.note_source(
                    f"source {number}", declaration="{}", synced_at=NOW, outcome="x" * 5000
                )
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(content)
    with (
        pytest.raises(WarehouseError, match="Restore a copy"),
        opened(file) as warehouse,
        warehouse.reader(OWNER) as reader,
    ):
        reader.sources()


def test_memory_is_limited_and_what_needs_more_is_put_on_disk(file: Path, tmp_path: Path):
    opened = Warehouse.open(file, backups=tmp_path, memory_mb=64)
    try:
        with opened.reader(OWNER) as reader:
            sorted_ones = reader.frame(
                "SELECT count(*) AS n FROM (SELECT DISTINCT hash(n) FROM range(3000000) r(n))"
            )
            [(limit,)] = reader.frame("SELECT current_setting('memory_limit') AS m").rows()
    finally:
        opened.close()
    assert sorted_ones["n"].to_list() == [3_000_000]
    assert limit == "61.0 MiB"
