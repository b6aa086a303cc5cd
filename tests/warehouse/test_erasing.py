"""Who is erased is gone: from the figures, the files and the past; and no sync brings them back."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro import backup
from analyticspro.client import Remote
from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.connectors.batch import REJECTS
from analyticspro.errors import DefinitionError
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.metrics import Answer, Query, catalog
from analyticspro.policy import OWNER
from analyticspro.warehouse import OF_SESSIONS, Subject, Warehouse, every_session
from analyticspro.workspace import Workspace
from tests.api.server import serving
from tests.cli.terminal import run
from tests.metrics.shop import EVENTS, Shop

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ANN, U1 = Subject(customers=("ann",)), Subject(users=("u1",))
QUARTER = "2024-Q1"
SOME = ("revenue", "active_customers", "sessions")
MARIE = "marie.curie.4711"


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def erase(warehouse: Warehouse, subject: Subject, at: datetime = NOW) -> dict[str, Any]:
    return warehouse.erasing.erase(subject, by="alice", reason=None, at=at, progress=quiet)


def event(number: int, customer: str | None, **more: Any) -> dict[str, Any]:
    return {
        "event_id": str(number),
        "name": "order_placed",
        "occurred_at": datetime(2024, 1, 1 + number % 28, tzinfo=UTC),
        "customer_id": customer,
        "properties": "{}",
    } | more


def store(warehouse: Warehouse, *rows: dict[str, Any], mode: WriteMode, at: datetime = NOW) -> Any:
    events = pl.DataFrame(list(rows), schema=SCHEMA)
    with warehouse.writer() as writer, writer.commit(at):
        return writer.store("till", "p", events, mode=mode, received_at=at, watermark=None)


def read(warehouse: Warehouse, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with warehouse.reader(OWNER) as reader:
        return reader.frame(sql, values).rows()


@pytest.fixture(params=["from events", "from rollups", "half of it archived"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with Shop.at(tmp_path) as opened:
        if request.param == "from events":
            opened.holds(EVENTS)
        else:
            opened.holds_in_two_steps(EVENTS)
        if request.param == "half of it archived":
            opened.warehouse.archive.run(datetime(2024, 2, 1, tzinfo=UTC), at=NOW, progress=quiet)
        yield opened


# Figures


@pytest.mark.parametrize("subject", [ANN, U1, Subject(("bob", "zoe"), ("u2",))])
def test_figures_are_what_they_would_be_without_the_person(
    subject: Subject, shop: Shop, tmp_path_factory: pytest.TempPathFactory
):
    left = [
        each
        for each in EVENTS
        if each.customer not in subject.customers and each.user not in subject.users
    ]
    receipt = erase(shop.warehouse, subject)
    assert receipt["events"] == len(EVENTS) - len(left) > 0

    with Shop.at(tmp_path_factory.mktemp("without")) as without:
        without.holds(left)
        names = tuple(catalog.METRICS)
        for asked in ({}, {"grain": "day"}):
            assert shop.rows(*names, period=QUARTER, **asked) == without.rows(
                *names, period=QUARTER, **asked
            )
        sql = f"SELECT started_at, {', '.join(OF_SESSIONS)} FROM ({every_session()})"
        said = [
            sorted(map(str, read(each.warehouse, sql, sessions_up_to=0)))
            for each in (shop, without)
        ]
        assert said[0] == said[1]


def test_sums_that_are_kept_are_those_of_a_recomputation(shop: Shop):
    erase(shop.warehouse, ANN)
    keys = "bucket, source, name, currency, country, plan, channel"
    sums = "sum(events), sum(amounts), sum(amount_minor), sum(quantity)"

    def kept() -> list[Any]:
        return [
            sorted(map(str, read(shop.warehouse, sql)))
            for sql in (
                f"SELECT {keys}, {sums} FROM rollup_hour GROUP BY ALL HAVING sum(events) <> 0",
                f"SELECT {keys}, {sums} FROM rollup_month GROUP BY ALL HAVING sum(events) <> 0",
                "SELECT bucket, source, name, member, sum(events) FROM members_customer_id "
                "GROUP BY ALL",
                "SELECT bucket, sum(sessions), sum(lasted_us) FROM session_days GROUP BY ALL "
                "HAVING sum(sessions) <> 0",
            )
        ]

    before = kept()
    assert before[0]
    with shop.warehouse._database.cursor() as cursor:
        for table in ("rolled", "sessions_rolled", "sessions", "session_days"):
            cursor.execute(f"DELETE FROM {table}")
    shop.warehouse.compact()
    assert kept() == before
    assert read(
        shop.warehouse, "SELECT count(*) FROM members_customer_id WHERE member = hash('ann')"
    ) == [(0,)]


def test_no_sum_tells_when_they_were_there(shop: Shop):
    shop.warehouse.compact()
    theirs = [each.at.replace(tzinfo=None) for each in EVENTS if each.customer == "ann"]
    sql = "SELECT DISTINCT unnest([first, last]) FROM rollup_{} WHERE name LIKE 'order_%'"
    for grain in ("hour", "day", "month"):
        assert {at for (at,) in read(shop.warehouse, sql.format(grain))} & set(theirs)
    erase(shop.warehouse, ANN)
    for grain in ("hour", "day", "month"):
        assert not {at for (at,) in read(shop.warehouse, sql.format(grain))} & set(theirs)


def test_a_version_that_named_another_is_all_that_goes(warehouse: Warehouse):
    """An order that was put down to ann by mistake is bob's still."""
    store(warehouse, event(1, "ann", version=1), event(2, "bob", version=1), mode=WriteMode.MERGE)
    store(warehouse, event(1, "bob", version=2), event(2, "ann", version=2), mode=WriteMode.MERGE)
    receipt = erase(warehouse, ANN)
    assert (receipt["events"], receipt["older_versions"]) == (1, 2)
    assert read(warehouse, "SELECT event_id, customer_id FROM events") == [("1", "bob")]
    again = store(warehouse, event(1, "bob", version=2), event(2, "ann", version=9),
                  mode=WriteMode.MERGE)  # fmt: skip
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)


def test_nobody_is_erased_without_an_id():
    for ids in ((), ("",)):
        with pytest.raises(DefinitionError, match="needs the id of a person"):
            Subject(customers=ids)


def test_who_is_not_there_leaves_all_as_it_was(shop: Shop):
    before = shop.rows(*catalog.METRICS, period=QUARTER)
    receipt = erase(shop.warehouse, Subject(customers=("nobody",)))
    assert (receipt["events"], receipt["older_versions"], receipt["set_aside"]) == (0, 0, 0)
    assert shop.rows(*catalog.METRICS, period=QUARTER) == before


# Files


def traces(folder: Path) -> list[str]:
    """Return the files in which the person's name stands."""
    files = [file for file in folder.rglob("*") if file.is_file() and "backups" not in file.parts]
    return sorted(file.name for file in files if MARIE.encode() in file.read_bytes())


def full_of(warehouse: Warehouse) -> None:
    """Have Marie be everywhere: events, versions, conflicts, rejects, registry, sessions."""
    raw = json.dumps({"who": MARIE, "note": "secret"})
    marie = {"raw": raw, "user_id": MARIE, "properties": json.dumps({"who": MARIE})}
    store(warehouse, *(event(n, MARIE, **marie) for n in range(5)), mode=WriteMode.APPEND)
    store(warehouse, event(1, MARIE, **(marie | {"raw": raw + " "})), mode=WriteMode.APPEND)
    store(warehouse, *(event(n, f"c{n}") for n in range(9, 90)), mode=WriteMode.APPEND)
    rejects = pl.DataFrame([{"line": 1, "reason": "is bad", "raw": raw}], schema=REJECTS)
    with warehouse.writer() as writer, writer.commit(NOW):
        writer.set_aside("till", "p", rejects)
    warehouse.properties.catch_up()
    warehouse.compact()


@pytest.mark.parametrize("archived", [False, True], ids=["in the table", "archived"])
def test_nothing_of_them_stays_in_any_file(archived: bool, file: Path, tmp_path: Path):
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        full_of(warehouse)
        if archived:
            warehouse.archive.run(NOW, at=NOW, progress=quiet)
        warehouse.standing_still(lambda _: None)  # so that all is in the file
        assert file.name in traces(tmp_path)
        receipt = erase(warehouse, Subject((MARIE,), (MARIE,)))
        assert traces(tmp_path) == []
        assert (receipt["conflicts"], receipt["set_aside"]) == (1, 1)
        assert receipt["of_these_archived"] == (5 if archived else 0)
        registered = warehouse.properties.registered()
        assert MARIE not in str(registered.names)
        assert registered.names["order_placed"].seen.events == 81
    assert traces(tmp_path) == []
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".new")]
    with closing(Warehouse.open(file, backups=tmp_path / "backups")) as warehouse:
        assert read(warehouse, "SELECT count(*) FROM events") == [(81,)]


def test_who_reads_meanwhile_sees_what_they_saw(warehouse: Warehouse):
    """The file is put in the place of the other once they are done."""
    full_of(warehouse)
    done: list[dict[str, Any]] = []

    def work() -> None:
        done.append(erase(warehouse, Subject((MARIE,))))

    thread = threading.Thread(target=work)
    with warehouse.reader(OWNER) as reader:
        assert reader.frame("SELECT count(*) FROM events").item() == 86
        thread.start()
        thread.join(0.5)
        assert reader.frame("SELECT count(*) FROM events").item() == 86
        assert not done
    thread.join()
    assert read(warehouse, "SELECT count(*) FROM events") == [(81,)]
    assert store(warehouse, event(200, "x"), mode=WriteMode.APPEND).new == 1


def test_others_write_read_and_archive_meanwhile(warehouse: Warehouse):
    store(warehouse, *(event(n, "ann") for n in range(50)), mode=WriteMode.APPEND)
    commits = range(15)

    def write(first: int) -> Callable[[int], object]:
        return lambda number: store(
            warehouse,
            *(event(first + number * 10 + n, f"c{n}") for n in range(10)),
            event(number, "ann"),
            mode=WriteMode.APPEND,
        )

    def look(number: int) -> None:
        [(found, different)] = read(warehouse, "SELECT count(*), count(DISTINCT seq) FROM events")
        assert found == different

    def archive(number: int) -> None:
        warehouse.archive.run(NOW, at=NOW, progress=quiet)

    with ThreadPoolExecutor(4) as pool:
        at_work = [
            pool.submit(lambda work=work: [work(number) for number in commits])
            for work in (write(1000), write(5000), look, archive)
        ]
        receipt = erase(warehouse, ANN)
        for each in at_work:
            each.result()
    assert receipt["events"] == 50
    assert read(warehouse, "SELECT count(*), count(DISTINCT event_id) FROM events") == [(300, 300)]
    assert read(warehouse, "SELECT count(*) FROM events WHERE customer_id = 'ann'") == [(0,)]
    with warehouse.reader(OWNER) as reader:
        [(seen, new, duplicates)] = (
            reader.ledger().select(pl.sum("seen"), pl.sum("new"), pl.sum("duplicates")).rows()
        )
    assert (seen, new, duplicates) == (50 + 330, 350, 30)


# What was set aside


def test_what_was_set_aside_is_told_to_be_theirs_by_whole_values(warehouse: Warehouse):
    raws = {
        json.dumps({"customer": "17", "total": "oops"}): True,
        json.dumps({"lines": [{"customer": 17}]}): True,
        '17,"ann,oops': True,
        json.dumps({"customer": "171", "note": "for 17"}): False,
        '171,"bob,oops': False,
        json.dumps({"é": "ü"}): False,
    }
    rows = [{"line": n, "reason": "is bad", "raw": raw} for n, raw in enumerate(raws)]
    rows.append({"line": 99, "reason": "is bad", "value": "17"})
    rejects = pl.DataFrame(rows, schema=REJECTS)
    with warehouse.writer() as writer, writer.commit(NOW):
        writer.set_aside("till", "p", rejects)
    assert erase(warehouse, Subject(customers=("17",)))["set_aside"] == 4
    left = [(raw,) for raw, is_theirs in raws.items() if not is_theirs]
    assert sorted(read(warehouse, "SELECT raw FROM rejects")) == sorted(left)

    with warehouse.writer() as writer, writer.commit(NOW):
        writer.set_aside("till", "p", rejects)  # the file is read again
    told = read(warehouse, "SELECT raw FROM rejects WHERE raw IS NOT NULL")
    assert sorted(told) == sorted(left)


# Syncs

TILL = """
[sources.till]
path = "till.csv"
event = "order_placed"
occurred_at = "day"
customer_id = "who"
amount = "total"
currency = "GBP"
key = ["number"]
[sources.till.properties]
order_id = "number"

[sources.crm]
connector = "sql"
url = "sqlite:///crm.db"
[sources.crm.streams.visits]
table = "visits"
event = "page_viewed"
occurred_at = "at"
user_id = "who"
key = ["id"]
"""


@pytest.fixture
def sources(home: Home) -> Home:
    """A home with a file and a database, in which ann and bob are."""
    home.write_settings(currency="GBP")
    home.sources_file.write_text(TILL)
    write_till(home, "number,day,who,total", "1,2024-01-01,ann,5.00", "2,2024-01-02,bob,7.00")
    with closing(sqlite3.connect(home.path / "crm.db")) as crm, crm:
        crm.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, at TEXT, who TEXT)")
        crm.executemany(
            "INSERT INTO visits VALUES (?, ?, ?)",
            [(1, "2024-01-01 10:00:00", "ann"), (2, "2024-01-01 11:00:00", "bob")],
        )
    synced(home)
    return home


def write_till(home: Home, *lines: str) -> None:
    (home.path / "till.csv").write_text("\n".join(lines) + "\n")


def synced(home: Home) -> dict[str, dict[str, Any]]:
    with Workspace.open(home) as workspace:
        declared = load(home.sources_file, {})
        reports = workspace.sync(declared, progress=lambda _: None)
    found = {report.source: report.to_json() for report in reports}
    assert not [report["error"] for report in found.values() if report["error"]]
    return found


def asked(home: Home, *metrics: str, as_of: datetime | None = None) -> Answer:
    with Workspace.open(home) as workspace:
        [answer] = workspace.answers([Query.of(*metrics, as_of=as_of)], OWNER)
        assert isinstance(answer, Answer), answer
        return answer


def erased_in(home: Home, subject: Subject, at: datetime) -> dict[str, Any]:
    with Workspace.open(home) as workspace:
        return workspace.keeping.erase(
            subject, by="alice", reason="asked", now=at, progress=quiet
        ).to_json()


def test_no_sync_brings_them_back(sources: Home):
    both = Subject(customers=("ann",), users=("ann",))
    assert erased_in(sources, both, NOW)["events"] == 2
    with Workspace.open(sources) as workspace, workspace._warehouse.writer() as writer:
        writer._connection.execute("UPDATE ledger SET cursor = NULL")  # all is read again
    # The file is read again too: another line came, and ann's says something else.
    write_till(sources, "number,day,who,total", "1,2024-01-01,ann,6.00", "2,2024-01-02,bob,7.00",
               "3,2024-01-03,eve,1.00")  # fmt: skip
    reports = synced(sources)
    assert (reports["till"]["new"], reports["till"]["changed"]) == (1, 0)
    assert (reports["till"]["unchanged"], reports["till"]["retracted"]) == (2, 0)
    assert (reports["crm"]["new"], reports["crm"]["unchanged"]) == (0, 2)
    assert asked(sources, "orders", "revenue").frame.rows() == [(2, 8)]


def test_the_past_is_without_them_too_and_says_so(sources: Home):
    then = datetime.now(UTC)
    assert asked(sources, "orders", as_of=then).frame.rows() == [(2,)]
    erased_in(sources, Subject(customers=("ann",)), then + timedelta(hours=1))
    answer = asked(sources, "orders", as_of=then)
    assert answer.frame.rows() == [(1,)]
    assert answer.provenance["notes"] == [
        "1 person was erased since then; what they did is left out."
    ]
    later = asked(sources, "orders", as_of=then + timedelta(hours=2))
    assert (later.frame.rows(), later.provenance["notes"]) == ([(1,)], [])
    assert asked(sources, "orders").provenance["notes"] == []


# Receipts


def test_the_receipt_says_what_went_and_not_who_it_was(sources: Home):
    with Workspace.open(sources) as workspace:
        [before] = workspace.back_up(None, None, progress=lambda _: None)
    told = erased_in(sources, Subject(customers=("ann",)), NOW)
    kept = Path(told.pop("file"))
    assert kept.parent == sources.path / "erasures"
    assert kept.stat().st_mode & 0o077 == 0
    written = json.loads(kept.read_text())
    assert set(written.pop("trace")) == {"ids", "records"}  # see tests/backup
    assert written == told
    assert told["backups"] == [before.folder]
    assert (told["by"], told["reason"], told["events"]) == ("alice", "asked", 1)
    assert "ann" not in kept.read_text()
    assert Subject(customers=("ann",)).is_sealed_in(told["subject"])
    assert not Subject(customers=("bob",)).is_sealed_in(told["subject"])
    made_after = backup.newest(sources)
    assert made_after is not None
    again = erased_in(sources, Subject(customers=("nobody",)), NOW + timedelta(days=1))
    assert again["backups"] == []


def test_the_command_erases(sources: Home):
    refused = run("erase", home=sources.path)
    assert (refused.code, "Name the person" in refused.err) == (2, True)
    done = run("erase", "--customer", "ann", "--yes", "--format", "json", home=sources.path)
    assert done.code == 0, done.err
    assert (done.json["events"], Path(done.json["file"]).exists()) == (1, True)
    asked_first = run("erase", "--customer", "bob", home=sources.path)
    assert asked_first.code == 1
    assert asked(sources, "orders").frame.rows() == [(1,)]


def test_a_running_api_does_it_while_it_answers(sources: Home):
    sources.write_settings(hot_days=30)
    asked_for, was = Query.of("revenue", "orders"), [(12, 2)]
    with serving(sources) as server:
        api = Remote(server.url, sources.token())
        [moved] = api.archive(lambda _: None)
        assert moved["events"] == 4
        [found] = api.check_archive(lambda _: None)
        assert (found["files"], found["events"]) == (1, 4)
        [answer] = api.answers([asked_for])
        assert isinstance(answer, Answer)
        assert answer.frame.rows() == was
        [receipt] = api.erase(["ann"], ["ann"], "alice", None, lambda _: None)
        assert (receipt["events"], receipt["of_these_archived"]) == (2, 2)
        [answer] = api.answers([asked_for])
        assert isinstance(answer, Answer)
        assert answer.frame.rows() == [(7, 1)]
        with pytest.raises(DefinitionError, match="needs the id of a person"):
            api.erase([], [], "alice", None, lambda _: None)


# Kills

KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import datetime, UTC
from analyticspro.config import Home
from analyticspro.warehouse import Subject
from analyticspro.workspace import Workspace

home, point = Home(Path(sys.argv[1])), sys.argv[2]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def count(done, total):
    if point == f"stage {done}":
        die()

def watch(frame, event, argument):
    # The process dies as the named function is entered: between two writes.
    if event == "call" and f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}" == point:
        die()

with Workspace.open(home) as workspace:
    sys.setprofile(watch)
    workspace.keeping.erase(
        Subject(customers=("ann",)), by="alice", reason=None,
        now=datetime(2030, 1, 1, tzinfo=UTC), progress=count)
"""
WAREHOUSE = "analyticspro.warehouse"
POINTS = {
    f"{WAREHOUSE}.open_commit.enter": False,  # all but committed
    "stage 1": True,
    f"{WAREHOUSE}.clearing.clear_rejects": True,
    "stage 2": True,
    f"{WAREHOUSE}.partitions.added": True,  # of the archive's new file
    f"{WAREHOUSE}.archive.rewrite": True,
    "stage 3": True,
    f"{WAREHOUSE}.remaking._copy": True,
    f"{WAREHOUSE}.database._put": True,
    f"{WAREHOUSE}.opening.open_at": True,  # of the new file
    "stage 4": True,
    "analyticspro.backup.keeping._backups": True,
}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_it_undone_or_to_be_done_at_the_next_start(point: str, home: Home):
    home.write_settings(currency="GBP")
    with Shop.at(home.path) as shop:
        shop.holds(EVENTS)
        shop.warehouse.archive.run(datetime(2024, 2, 1, tzinfo=UTC), at=NOW, progress=quiet)
        before = shop.rows(*SOME, period=QUARTER)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(home.path), point], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with Workspace.open(home) as workspace:
        shop = Shop(workspace._warehouse)
        is_there = read(shop.warehouse, "SELECT count(*) FROM events WHERE customer_id = 'ann'")
        receipts = list((home.path / "erasures").glob("*.json"))
        if not POINTS[point]:
            assert shop.rows(*SOME, period=QUARTER) == before
            assert (is_there, receipts) == ([(7,)], [])
            workspace.keeping.erase(ANN, by="alice", reason=None, now=NOW, progress=quiet)
        else:
            assert is_there == [(0,)]
            [receipt] = receipts
            assert json.loads(receipt.read_text())["events"] == 7
            assert json.loads(receipt.read_text())["older_versions"] == 0
        found = shop.rows(*SOME, period=QUARTER)
        assert shop.warehouse.archive.check(quiet) == []
        known = {each.file for each in shop.warehouse.archive.partitions()}
        there = {str(each.relative_to(home.path / "archive"))
                 for each in (home.path / "archive").rglob("*.parquet")}  # fmt: skip
        assert there == known
    assert not list(home.path.glob("*.new"))
    with Shop.at(home.path / "run") as without:
        without.holds([each for each in EVENTS if each.customer != "ann"])
        assert found == without.rows(*SOME, period=QUARTER)


def test_every_point_of_a_kill_is_one_there_is():
    for point in POINTS:
        if point.startswith("analyticspro"):
            module, name = point.rsplit(".", 1)
            text = Path(*module.split(".")).with_suffix(".py").read_text()
            assert re.search(rf"def {name}\(", text), point


def test_an_erasure_that_follows_another_leaves_the_first_alone(shop: Shop):
    first = erase(shop.warehouse, ANN)
    second = erase(shop.warehouse, Subject(customers=("bob",)))
    assert (first["erasure"], second["erasure"]) == (1, 2)
    assert [each["erasure"] for each in shop.warehouse.erasing.receipts()] == [1, 2]
    assert read(shop.warehouse, "SELECT count(*), count(subject) FROM erasures") == [(2, 0)]
    assert read(shop.warehouse, "SELECT count(*) FROM erasing") == [(0,)]
    dead = first["ids_kept_out"] + second["ids_kept_out"]
    assert read(shop.warehouse, "SELECT count(*) FROM tombstones") == [(dead,)]
