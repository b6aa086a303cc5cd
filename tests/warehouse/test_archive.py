"""Events of long ago are in files, and nobody can tell: figures, the past and duplicates agree."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro import backup
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, SettingError, WarehouseError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.jobs import declared
from analyticspro.metrics import Filter, Query, catalog
from analyticspro.policy import OWNER
from analyticspro.warehouse import Cursor, Stored, Warehouse
from analyticspro.workspace import Workspace
from tests.cli.terminal import run
from tests.metrics.shop import EVENTS, Shop
from tests.metrics.test_catalogue import cuts_of

NOW = datetime(2024, 6, 1, tzinfo=UTC)
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
JANUARY = date(2024, 1, 1)
QUARTER = "2024-Q1"
EVERYTHING = "SELECT * FROM events ORDER BY seq"


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def archive(warehouse: Warehouse, before: datetime = FEBRUARY) -> int:
    return sum(part.rows for part in warehouse.archive.run(before, at=NOW, progress=quiet))


def event(number: int, day: str, **more: Any) -> dict[str, Any]:
    told = {"event_id": str(number), "name": "order_placed", "properties": "{}"}
    return told | {"occurred_at": datetime.fromisoformat(day).replace(tzinfo=UTC)} | more


def store(
    warehouse: Warehouse,
    *rows: dict[str, Any],
    mode: WriteMode = WriteMode.MERGE,
    part: str = "p",
    is_whole: bool = False,
) -> Stored:
    with warehouse.writer() as writer, writer.commit(NOW):
        events = pl.DataFrame(list(rows), schema=SCHEMA)
        stored = writer.store("till", part, events, mode=mode, received_at=NOW, watermark=None)
        if is_whole:
            rejects = pl.DataFrame(schema={"line": pl.Int64})
            cursor = Cursor("f", 1, 1)
            writer.finish_part("till", part, seen=stored.seqs, rejects=rejects, cursor=cursor)
        return stored


def read(warehouse: Warehouse, sql: str, *, as_of: datetime | None = None) -> list[Any]:
    with warehouse.reader(OWNER, as_of=as_of) as reader:
        return reader.frame(sql).rows()


def live(warehouse: Warehouse) -> list[Any]:
    return read(
        warehouse,
        "SELECT event_id, amount_minor, part FROM events WHERE retired IS NULL ORDER BY ALL",
    )


def counts(warehouse: Warehouse) -> tuple[int, int]:
    """Return how many versions are in the table, and how many in the archive."""
    [found] = read(warehouse, "SELECT (SELECT count(*) FROM hot), (SELECT count(*) FROM archived)")
    return found


# Figures


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The awkward shop, some of it rolled up."""
    with Shop.at(tmp_path_factory.mktemp("shop")) as opened:
        yield opened.holds_in_two_steps(EVENTS)


@pytest.fixture(scope="module")
def before(shop: Shop) -> dict[Query, Any]:
    """Every metric in every cut, before half of the shop is archived."""
    queries = [
        Query((metric,), cut.grain, cut.by, QUARTER, cut.where)
        for metric in catalog.METRICS
        for cut in cuts_of(metric)[:2]
    ]
    # A dimension that no rollup holds.
    queries.append(Query(("units",), None, ("product",), QUARTER, (Filter("product", ("cup",)),)))
    found = {query: shop.ask(query).frame for query in queries}
    archived = archive(shop.warehouse)
    assert counts(shop.warehouse)[1] == archived > len(EVENTS) / 3
    return found


@pytest.mark.parametrize("metric", catalog.METRICS)
def test_a_figure_is_the_same_when_half_is_archived(
    metric: str, shop: Shop, before: dict[Query, Any]
):
    asked = [query for query in before if query.metrics == (metric,)]
    assert asked
    for query in asked:
        assert shop.ask(query).frame.equals(before[query])


def test_the_past_is_the_same_when_it_is_archived(warehouse: Warehouse):
    moments = [datetime(2024, 3, day, tzinfo=UTC) for day in range(1, 4)]
    for version, at in enumerate(moments):
        with warehouse.writer() as writer, writer.commit(at):
            events = pl.DataFrame(
                [
                    event(1, "2024-01-05", version=version, amount_minor=version, currency="GBP"),
                    event(10 + version, "2024-01-06", version=1),
                ],
                schema=SCHEMA,
            )
            writer.store("till", "p", events, mode=WriteMode.MERGE, received_at=at, watermark=None)
    known = "SELECT seq, event_id, amount_minor, retired FROM events ORDER BY seq"
    told = [read(warehouse, known, as_of=at) for at in moments]
    everything = read(warehouse, EVERYTHING)
    assert archive(warehouse) == 6
    assert [read(warehouse, known, as_of=at) for at in moments] == told
    assert [len(rows) for rows in told] == [2, 3, 4]
    assert read(warehouse, EVERYTHING) == everything
    # What befalls an archived event later leaves the past as it was, too.
    store(warehouse, event(1, "2024-01-05", version=9, amount_minor=9, currency="GBP"))
    assert [read(warehouse, known, as_of=at) for at in moments] == told


# What befalls archived events


@pytest.mark.parametrize("is_opened_anew", [False, True])
def test_what_is_archived_is_a_duplicate_still(is_opened_anew: bool, file: Path, tmp_path: Path):
    rows = [event(n, "2024-01-05", version=1) for n in range(3)]
    opened = Warehouse.open(file, backups=tmp_path / "backups")
    with closing(opened) as warehouse:
        store(warehouse, *rows)
        assert archive(warehouse) == 3
        if not is_opened_anew:
            assert store(warehouse, *rows, event(7, "2024-01-05")).unchanged == 3
            return
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        stored = store(warehouse, *rows, event(7, "2024-01-05"))
        assert (stored.new, stored.unchanged) == (1, 3)
        assert read(warehouse, "SELECT count(*), count(DISTINCT seq) FROM events") == [(4, 4)]


def test_an_archived_event_is_corrected(warehouse: Warehouse):
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))
    archive(warehouse)
    stored = store(warehouse, event(1, "2024-01-05", version=2, amount_minor=5, currency="GBP"))
    assert stored.changed == 1
    assert live(warehouse) == [("0", None, "p"), ("1", 5, "p"), ("2", None, "p")]
    assert counts(warehouse) == (2, 2)
    versions = "SELECT version, retired FROM events WHERE event_id = '1' ORDER BY seq"
    assert read(warehouse, versions) == [(1, 2), (2, None)]
    assert archive(warehouse) == 2
    assert counts(warehouse) == (0, 4)
    assert read(warehouse, versions) == [(1, 2), (2, None)]
    # The first file holds its older version too, which was taken back from it.
    warehouse.archive.rewrite([part.number for part in warehouse.archive.partitions()], NOW)
    assert counts(warehouse) == (0, 4)
    assert read(warehouse, versions) == [(1, 2), (2, None)]


def test_an_archived_event_is_retracted_and_moves(warehouse: Warehouse):
    whole = {"mode": WriteMode.REPLACE, "is_whole": True}
    store(warehouse, *(event(n, "2024-01-05") for n in range(4)), **whole)
    archive(warehouse)
    store(warehouse, event(0, "2024-01-05"), event(1, "2024-01-05"), **whole, part="q")
    store(warehouse, event(2, "2024-01-05"), **whole)
    assert live(warehouse) == [("0", None, "q"), ("1", None, "q"), ("2", None, "p")]
    with warehouse.reader(OWNER) as reader:
        [(seen, new, retracted)] = (
            reader.ledger().select(pl.sum("seen"), pl.sum("new"), pl.sum("retracted")).rows()
        )
        assert (seen, new, retracted) == (7, 4, 1)
        assert sum(reader.ledger()["live"]) == 3


def test_a_late_event_waits_in_the_table_for_the_next_run(warehouse: Warehouse):
    store(warehouse, event(0, "2024-01-05"))
    assert archive(warehouse) == 1
    for number in range(1, 9):
        store(warehouse, event(number, "2024-01-20"))
        assert counts(warehouse) == (1, number)
        assert archive(warehouse) == 1
        assert counts(warehouse) == (0, number + 1)
    # The files of a month that have become many are made one.
    assert len(warehouse.archive.partitions()) == 2
    assert archive(warehouse) == 0


def test_events_of_a_month_that_is_not_over_stay(warehouse: Warehouse):
    store(warehouse, event(0, "2024-01-31T23:59:59"), event(1, "2024-02-01"))
    assert archive(warehouse, datetime(2024, 2, 28, tzinfo=UTC)) == 1
    assert counts(warehouse) == (1, 1)
    [partition] = warehouse.archive.partitions()
    assert (partition.month, partition.file) == (JANUARY, "2024-01/000001.parquet")


def test_what_changes_while_a_file_is_written_counts(warehouse: Warehouse):
    """The file is of an earlier moment; what is in the table is right."""
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))

    with warehouse._writing:  # the file is written, and cannot be made known yet
        thread = threading.Thread(target=archive, args=(warehouse,))
        thread.start()
        folder = warehouse.archive._folder
        while not list(folder.glob("*/*.parquet")):
            thread.join(0.01)
        with warehouse._database.cursor() as cursor:
            cursor.execute("UPDATE hot SET part = 'q' WHERE event_id = '1'")
    thread.join()
    assert live(warehouse) == [("0", None, "p"), ("1", None, "q"), ("2", None, "p")]
    assert counts(warehouse) == (1, 2)


# Files


def test_who_reads_sees_a_file_until_they_are_done(warehouse: Warehouse):
    store(warehouse, *(event(n, "2024-01-05", version=1) for n in range(3)))
    archive(warehouse)
    store(warehouse, event(1, "2024-01-05", version=2))
    numbers = [part.number for part in warehouse.archive.partitions()]
    with warehouse.reader(OWNER) as reader:
        thread = threading.Thread(target=warehouse.archive.rewrite, args=(numbers, NOW))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert reader.frame("SELECT count(*) FROM events").item() == 4
    thread.join()
    assert counts(warehouse) == (2, 2)
    assert [part.rows for part in warehouse.archive.partitions()] == [2]
    assert len(list(warehouse.archive._folder.rglob("*.parquet"))) == 1


def test_a_file_that_changed_is_found(home: Home):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"))
        archive(workspace._warehouse)
        assert workspace.keeping.verify(progress=quiet).to_json()["events"] == 1
    [file] = (home.path / "archive").rglob("*.parquet")
    assert file.stat().st_mode & 0o077 == 0
    assert run("archive", "verify", home=home.path).code == 0
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = run("archive", "verify", home=home.path)
    assert (done.code, "2024-01/000001.parquet" in done.err) == (5, True)


def test_a_home_whose_archive_lacks_a_file_says_so(home: Home):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"))
        archive(workspace._warehouse)
    [file] = (home.path / "archive").rglob("*.parquet")
    file.rename(file.with_suffix(".aside"))
    told = pytest.raises(WarehouseError, match=r"000001\.parquet is missing.*restore")
    with told, Workspace.open(home):
        pass
    file.with_suffix(".aside").rename(file)
    with Workspace.open(home) as workspace:
        assert counts(workspace._warehouse) == (0, 1)


def test_a_backup_holds_the_archive(home: Home, tmp_path: Path):
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, event(0, "2024-01-05"), event(1, "2024-05-05"))
        archive(workspace._warehouse)
        [made] = workspace.back_up(None, None, progress=lambda _: None)
    other = Home(tmp_path / "it's another")  # the archive is read where it is now
    backup.restore(other, Path(made.folder), now=NOW, progress=quiet)
    for file in (home.path / "archive").rglob("*.parquet"):
        file.unlink()
    with Workspace.open(other) as workspace:
        assert counts(workspace._warehouse) == (1, 1)
        assert len(live(workspace._warehouse)) == 2
        assert store(workspace._warehouse, event(0, "2024-01-05")).unchanged == 1
        assert archive(workspace._warehouse, NOW) == 1


# Kills

KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime, UTC
from analyticspro.warehouse import Warehouse

file, point = Path(sys.argv[1]), sys.argv[2]

def watch(frame, event, argument):
    name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
    if name == point.removesuffix(" done") and event == ("return" if " " in point else "call"):
        os.kill(os.getpid(), signal.SIGKILL)

warehouse = Warehouse.open(file, backups=file.parent / "backups")
sys.setprofile(watch)
warehouse.archive.run(datetime(2024, 3, 1, tzinfo=UTC), at=datetime(2024, 6, 1, tzinfo=UTC),
                      progress=lambda done, total: None)
"""
KEPT = "analyticspro.warehouse.archive."
WRITTEN = "analyticspro.warehouse.partitions."


@pytest.mark.parametrize(
    ("point", "archived"),
    [
        (f"{WRITTEN}digest", 0),  # written, and not known
        (f"{WRITTEN}added", 0),
        (f"{WRITTEN}point", 0),  # all but committed
        (f"{KEPT}_move done", 3),
        (f"{KEPT}_fold", 6),
    ],
)
def test_a_kill_loses_nothing_and_doubles_nothing(
    point: str, archived: int, file: Path, tmp_path: Path
):
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        for number in range(3):
            store(warehouse, event(number, "2024-01-05"), event(9 + number, "2024-02-05"))
        everything = read(warehouse, EVERYTHING)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(file), point], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        assert counts(warehouse) == (6 - archived, archived)
        assert read(warehouse, EVERYTHING) == everything
        assert archive(warehouse, datetime(2024, 3, 1, tzinfo=UTC)) == 6 - archived
        assert read(warehouse, EVERYTHING) == everything
        known = {part.file for part in warehouse.archive.partitions()}
        assert len(known) == 2
    folder = tmp_path / "archive"
    assert {str(each.relative_to(folder)) for each in folder.rglob("*.parquet")} == known


# What is deleted for good


def expired(tmp_path: Path) -> Warehouse:
    """A warehouse whose January was deleted."""
    warehouse = Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    money = {"amount_minor": 100, "currency": "GBP", "customer_id": "ann"}
    store(warehouse, *(event(n, "2024-01-05", **money) for n in range(3)))
    store(warehouse, *(event(n, "2024-02-05", **money) for n in range(3, 5)))
    archive(warehouse, NOW)
    [month] = warehouse.expire(FEBRUARY.date(), at=NOW)
    assert (month.month, month.rows) == (JANUARY, 3)
    return warehouse


def test_sums_of_what_was_deleted_stay(tmp_path: Path):
    with closing(expired(tmp_path)) as warehouse:
        shop = Shop(warehouse)
        assert read(warehouse, "SELECT count(*) FROM events") == [(2,)]
        asked = {"grain": "month", "period": "2024-Q1"}
        kept = [(JANUARY, 3), (date(2024, 2, 1), 2)]
        assert [row[:2] for row in shop.rows("revenue", **asked)] == kept
        customers = shop.rows("active_customers", **asked)
        # Another zone has all be added up anew, from the sums where events are no more.
        with warehouse._database.cursor() as cursor:
            cursor.execute("UPDATE rolled SET zone = 'Asia/Tokyo'")
        warehouse.compact()
        assert [row[:2] for row in shop.rows("revenue", **asked)] == kept
        assert customers


def test_what_was_deleted_does_not_come_back(tmp_path: Path):
    with closing(expired(tmp_path)) as warehouse:
        assert store(warehouse, event(0, "2024-01-05", version=9)).unchanged == 1
        assert not list((tmp_path / "archive").glob("2024-01/*"))
        noted = "SELECT note, sum(retracted)::INT FROM ledger GROUP BY ALL ORDER BY ALL"
        assert read(warehouse, noted) == [("expired", 3), (None, 0)]
    with closing(
        Warehouse.open(tmp_path / "warehouse.duckdb", backups=tmp_path / "backups")
    ) as warehouse:
        stored = store(warehouse, event(0, "2024-01-05", version=9), event(50, "2024-01-07"))
        assert (stored.new, stored.unchanged) == (1, 1)
        assert read(warehouse, "SELECT count(DISTINCT seq), max(seq) FROM events") == [(3, 6)]


def test_a_figure_says_what_it_lacks(tmp_path: Path):
    expired(tmp_path).close()
    home = Home(tmp_path).prepare()
    with Workspace.open(home) as workspace:
        lacking, whole = workspace.answers(
            [Query.of("revenue", period=period) for period in ("2024-01", "2024-02")], OWNER
        )
    assert lacking.provenance["notes"][0].startswith("Events before 2024-02-01 were deleted")
    assert whole.provenance["notes"] == []


# Settings


def test_the_settings_say_what_is_moved_and_deleted(home: Home):
    now = datetime.now(UTC)
    old, older = now - timedelta(days=100), now - timedelta(days=400)
    days = [at.replace(tzinfo=None).isoformat() for at in (now, old, older)]
    with Workspace.open(home) as workspace:
        store(workspace._warehouse, *(event(n, day) for n, day in enumerate(days)))
        with pytest.raises(DefinitionError, match="hot_days is 0"):
            workspace.keeping.archive(now=now, progress=quiet)
    assert [schedule.name for schedule in declared(home)] == []
    home.write_settings(hot_days=60, keep_days=300)
    assert [schedule.name for schedule in declared(home)] == ["retention"]
    done = run("archive", "--format", "json", home=home.path)
    assert done.code == 0, done.err
    assert (done.json["files"], done.json["events"]) == (2, 2)
    assert done.json["expired"] == [{"month": f"{older:%Y-%m}", "events": 1}]
    with Workspace.open(home) as workspace:
        assert [row[0] for row in live(workspace._warehouse)] == ["0", "1"]


@pytest.mark.parametrize(
    "wrong", [{"hot_days": -1}, {"keep_days": 9}, {"hot_days": 10, "keep_days": 9}]
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, int], home: Home):
    with pytest.raises(SettingError, match="days is"):
        home.write_settings(**wrong)
