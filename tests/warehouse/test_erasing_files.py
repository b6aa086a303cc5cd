"""Who is erased is in no file any more, and others are not disturbed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject, Warehouse
from tests.warehouse.erased import ANN, MARIE, NOW, erase, event, quiet, read, store

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
