"""No sync brings back who was erased; the past and the receipt tell of it, and not of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyticspro import backup
from analyticspro.client import Remote
from analyticspro.config import Home
from analyticspro.connectors import load
from analyticspro.errors import DefinitionError
from analyticspro.metrics import Answer, Query
from analyticspro.policy import OWNER
from analyticspro.warehouse import Subject
from analyticspro.workspace import Workspace
from tests.api.server import serving
from tests.cli.terminal import run
from tests.warehouse.erased import NOW, quiet

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
