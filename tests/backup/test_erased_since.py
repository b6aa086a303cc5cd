"""Who was erased after a backup was made stays erased when that backup is restored."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro import backup, logs
from analyticspro.config import Home
from analyticspro.connectors.batch import REJECTS
from analyticspro.events import SCHEMA, WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject, Warehouse
from analyticspro.workspace import Workspace
from tests.cli.terminal import run

NOW = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
MARIE = "marie.curie.4711"
ANN = Subject(customers=(MARIE,))


def quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def opened(home: Home) -> closing[Warehouse]:
    return closing(Warehouse.open(home.warehouse_file, backups=home.path / "backups"))


def store(home: Home, *events: tuple[str, str | None], aside: str | None = None) -> None:
    rows = [
        {
            "event_id": number, "name": "order_placed", "occurred_at": NOW,
            "customer_id": who, "user_id": who and f"u-{who}", "properties": "{}",
        }
        for number, who in events
    ]  # fmt: skip
    with opened(home) as warehouse, warehouse.writer() as writer, writer.commit(NOW):
        frame = pl.DataFrame(rows, schema=SCHEMA)
        writer.store("s", "p", frame, mode=WriteMode.APPEND, received_at=NOW, watermark=None)
        if aside:
            rejects = pl.DataFrame([{"reason": "no name", "raw": aside}], schema=REJECTS)
            writer.set_aside("s", "p", rejects)


def make(home: Home, day: int, **more: Any) -> Path:
    with opened(home) as warehouse:
        now = NOW + timedelta(days=day)
        return Path(backup.make(home, warehouse, now=now, progress=quiet, **more).folder)


def erase(home: Home, subject: Subject, day: int) -> dict[str, Any]:
    with Workspace.open(home) as workspace:
        return workspace.keeping.erase(
            subject, by="alice", reason="asked", now=NOW + timedelta(days=day), progress=quiet
        ).to_json()


def restore(home: Home, folder: Path, day: int = 20) -> list[dict[str, Any]]:
    """Restore; return the receipts of what was erased again by whoever opens it next."""
    backup.restore(home, folder, now=NOW + timedelta(days=day), progress=quiet)
    with Workspace.open(home) as workspace:
        return workspace.repeated


def people(home: Home) -> list[tuple[str, str | None]]:
    with opened(home) as warehouse, warehouse.reader(OWNER) as reader:
        query = "SELECT event_id, customer_id FROM events ORDER BY ALL"
        return reader.frame(query).rows()


@pytest.fixture
def shop(home: Home) -> Home:
    """A home with events of two persons, and a record of one of them that was set aside."""
    store(home, ("1", MARIE), ("2", "bob"), ("3", None), aside=json.dumps({"customer": MARIE}))
    return home


def holds(folder: Path, text: str) -> list[Path]:
    return [f for f in folder.rglob("*") if f.is_file() and text.encode() in f.read_bytes()]


def test_a_restore_of_an_older_backup_erases_them_again(shop: Home):
    older = make(shop, 0)
    first = erase(shop, ANN, 1)
    store(shop, ("4", "bob"))
    [again] = restore(shop, older)
    assert people(shop) == [("2", "bob"), ("3", None)]
    assert (again["events"], again["set_aside"]) == (1, 1)
    assert (again["by"], again["reason"]) == ("alice", "asked")
    assert again["repeats"] == first["subject"]
    kept = [json.loads(file.read_text()) for file in (shop.path / "erasures").iterdir()]
    assert sorted(each["subject"] for each in kept) == sorted([first["subject"], again["subject"]])
    aside = [top for top in shop.path.iterdir() if top.name not in ("backups", "run")]
    assert [found for top in aside for found in holds(top, MARIE)] == []
    assert holds(shop.warehouse_file.parent / "backups", MARIE) != []  # told by the receipt
    store(shop, ("1", MARIE))
    assert people(shop) == [("2", "bob"), ("3", None)], "its ids are kept out again"


def test_it_is_done_once_and_not_for_a_backup_that_knows(shop: Home):
    older = make(shop, 0)
    erase(shop, ANN, 1)
    newer = make(shop, 2)
    assert restore(shop, newer) == []
    assert len(restore(shop, older, 21)) == 1
    with Workspace.open(shop) as workspace:
        assert workspace.repeated == []
    [again] = restore(shop, older, 22)
    assert again["events"] == 1, "whom both receipts tell of is erased once"


def test_a_home_that_is_lost_leaves_it_to_the_backups_beside(shop: Home, tmp_path: Path):
    older = make(shop, 0, into=tmp_path / "safe")
    erase(shop, ANN, 1)
    make(shop, 2, into=tmp_path / "safe")
    shutil.rmtree(shop.path)
    other = Home(tmp_path / "other")
    assert len(restore(other, older)) == 1
    assert people(other) == [("2", "bob"), ("3", None)]


def test_each_of_several_ids_is_looked_for(shop: Home):
    store(shop, ("5", "eve"))
    older = make(shop, 0)
    store(shop, ("6", "joe"))
    erase(shop, Subject(customers=("joe", "eve"), users=(f"u-{MARIE}",)), 1)
    [again] = restore(shop, older)
    assert again["events"] == 2
    assert people(shop) == [("2", "bob"), ("3", None)]


@pytest.mark.parametrize("raw", ['{"who": {"id": "zoe.4711"}}', "7,zoe.4711;Paris"])
def test_who_was_only_set_aside_is_known_by_the_record(home: Home, raw: str):
    store(home, ("2", "bob"), aside=raw)
    older = make(home, 0)
    erase(home, Subject(customers=("zoe.4711",)), 1)
    [again] = restore(home, older)
    assert (again["events"], again["set_aside"]) == (0, 1)
    assert holds(home.warehouse_file, "zoe") == holds(home.path / "erasures", "zoe") == []


def test_nobody_is_looked_for_once(shop: Home):
    older = make(shop, 0)
    store(shop, ("6", "joe"))
    erase(shop, Subject(customers=("joe",)), 1)
    [again] = restore(shop, older)
    assert again["events"] == again["set_aside"] == 0
    assert len(people(shop)) == 3
    with Workspace.open(shop) as workspace:
        assert workspace.repeated == []


def test_the_receipt_does_not_tell_who_it_was(shop: Home):
    told = erase(shop, ANN, 1)
    assert "trace" not in told
    assert holds(shop.path / "erasures", MARIE) == []


def test_the_command_says_so(shop: Home):
    older = make(shop, 0)
    erase(shop, ANN, 1)
    done = run("restore", older, "--yes", home=shop.path)
    assert "Erased again, as on alice's demand before: 1 events, 1 records" in done.err
    assert people(shop) == [("2", "bob"), ("3", None)]


def test_a_receipt_of_an_earlier_version_is_named_in_the_log(shop: Home):
    older = make(shop, 0)
    file = Path(erase(shop, ANN, 1)["file"])
    receipt = json.loads(file.read_text())
    del receipt["trace"]
    file.write_text(json.dumps(receipt))
    with logs.writing(shop, "api"):
        assert restore(shop, older) == []
    assert len(people(shop)) == 3
    assert f"{file.name} does not tell how to erase again" in logs.log_file(shop, "api").read_text()
