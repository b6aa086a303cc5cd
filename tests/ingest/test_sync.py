"""A sync brings in what changed and nothing else; nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from analyticspro.ingest import Progress, check
from analyticspro.policy import OWNER
from tests.ingest.shop import Shop, counts
from tests.local import NoSecrets

NOW = datetime(2011, 12, 9, tzinfo=UTC)

ANN, BOB, CID = "1,2011-11-05,Ann,1.00", "2,2011-11-06,Bob,2.00", "3,2011-11-07,Cid,3.00"
KEYED: dict[str, Any] = {"key": ["id"]}


def test_the_first_sync_brings_all_and_the_second_nothing(shop: Shop):
    shop.write(ANN, BOB)
    assert counts(shop.sync()) == {"read": 1, "records": 2, "new": 2}
    assert counts(shop.sync()) == {}
    assert shop.live("customer_id, amount_minor, part") == [
        ("Ann", 100, "orders.csv"), ("Bob", 200, "orders.csv"),
    ]  # fmt: skip


def test_a_touched_file_is_not_read_again(shop: Shop):
    file = shop.write(ANN, BOB)
    shop.sync()
    os.utime(file, (1, 1))
    assert counts(shop.sync()) == {}
    with shop.warehouse.writer() as writer:
        assert writer.cursors("shop")["orders.csv"].changed_ns == 10**9, "and not looked at again"


def test_lines_that_were_appended_are_new(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    shop.write(ANN, BOB, CID)
    assert counts(shop.sync()) == {"read": 1, "records": 3, "new": 1, "unchanged": 2}


def test_what_is_appended_leaves_the_other_rows_as_they_are(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    shop.write(ANN, BOB, "3,2011-11-07,,0.125")
    assert counts(shop.sync()) == {
        "read": 1, "records": 3, "new": 1, "unchanged": 2, "rounded": 1,
    }  # fmt: skip


def test_exact_duplicates_are_lines_of_their_own_and_all_count(shop: Shop):
    shop.write(ANN, ANN, ANN)
    assert counts(shop.sync()) == {"read": 1, "records": 3, "new": 3}


def test_a_changed_row_is_a_new_version_and_the_old_one_is_kept(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    shop.write(ANN, BOB.replace("2.00", "2.50"))
    assert counts(shop.sync()) == {"read": 1, "records": 2, "changed": 1, "unchanged": 1}
    versions = shop.frame(
        "SELECT amount_minor, revision, retired FROM events WHERE customer_id = 'Bob' ORDER BY ALL"
    )
    assert versions.rows() == [(200, 1, 3), (250, 3, None)]


def test_a_row_that_vanished_is_retracted(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    shop.write(ANN)
    assert counts(shop.sync()) == {"read": 1, "records": 1, "unchanged": 1, "retracted": 1}
    assert shop.live() == ["Ann"]


def test_a_row_with_a_key_may_stand_anywhere(shop: Shop):
    shop.write(ANN, BOB, CID)
    shop.sync(**KEYED)
    shop.write(CID, ANN)
    assert counts(shop.sync(**KEYED)) == {
        "read": 1, "records": 2, "unchanged": 2, "retracted": 1,
    }  # fmt: skip


# Rejects


def test_a_bad_row_is_set_aside_and_the_rest_goes_on(shop: Shop):
    shop.write(ANN, "2,soon,Bob,2.00", CID)
    report = shop.sync()
    assert counts(report) == {"read": 1, "records": 3, "new": 2, "rejected": 1}
    assert shop.rejects() == [("orders.csv", 3, "at", "soon")]
    assert "1 record(s) were set aside; 'analyticspro sources rejects shop'" in report.notes[0]


def test_a_row_that_is_mended_resolves_its_reject(shop: Shop):
    shop.write(ANN, "2,soon,Bob,2.00", "3,2011-11-07,Cid")
    shop.sync()
    shop.write(ANN, BOB, "3,2011-11-07,Cid")
    assert counts(shop.sync())["new"] == 1
    assert shop.live() == ["Ann", "Bob"]
    assert shop.rejects() == [("orders.csv", 4, None, "3,2011-11-07,Cid")]


def test_rejects_are_not_doubled_when_a_file_is_read_again(shop: Shop):
    shop.write("1,soon,Ann,1", "2,soon")
    shop.sync()
    shop.write("1,soon,Ann,1", "2,soon", CID)
    assert counts(shop.sync()) == {"read": 1, "records": 3, "new": 1, "rejected": 2}
    assert len(shop.rejects()) == 2
    assert shop.frame("SELECT count(*) AS n FROM rejects")["n"][0] == 2


def test_a_row_that_turns_bad_in_another_way_has_one_reject(shop: Shop):
    shop.write("1,soon,Ann,1")
    shop.sync()
    shop.write("1,later,Ann,1")
    shop.sync()
    assert shop.rejects() == [("orders.csv", 2, "at", "later")]


def test_a_good_row_that_turns_bad_leaves_the_figures(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    shop.write(ANN, "2,2011-11-06,Bob,two")
    assert counts(shop.sync()) == {
        "read": 1, "records": 2, "unchanged": 1, "retracted": 1, "rejected": 1,
    }  # fmt: skip


# Declarations


def test_a_changed_declaration_reads_the_files_again(shop: Shop):
    shop.write(ANN, BOB, "3,2011-11-07,Cid,x")
    shop.sync()
    assert counts(shop.sync(title="Another title")) == {}
    report = shop.sync(customer_id=None, user_id="who")
    assert counts(report) == {"read": 1, "records": 3, "changed": 2, "rejected": 1}
    assert shop.live("customer_id, user_id, is_late") == [
        (None, "Ann", False),
        (None, "Bob", False),
    ]
    assert len(shop.rejects()) == 1


def test_a_key_given_later_replaces_the_rows_known_by_number(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync()
    assert counts(shop.sync(**KEYED)) == {"read": 1, "records": 2, "new": 2, "retracted": 2}
    assert shop.live("event_id") == ["shop:1", "shop:2"]


def test_a_pattern_that_finds_the_same_file_another_way_changes_nothing(shop: Shop):
    shop.write(ANN)
    shop.sync()
    assert counts(shop.sync(path=str(shop.folder / "orders.csv"))) == {}


# Lateness, progress, what is kept of a sync


def test_events_older_than_the_watermark_are_late(shop: Shop):
    shop.write(ANN, CID)
    shop.sync()
    shop.write(ANN, CID, BOB, "4,2011-11-08,Dan,4")
    shop.sync()
    assert shop.live("customer_id, is_late") == [
        ("Ann", False), ("Cid", False), ("Bob", True), ("Dan", False),
    ]  # fmt: skip


def test_progress_is_in_bytes_of_what_has_to_be_read(shop: Shop):
    sizes = [
        shop.write(row, name=name).stat().st_size for row, name in [(ANN, "a.csv"), (BOB, "b.csv")]
    ]
    shop.sync()
    assert shop.progress == [
        Progress("shop", "a.csv", sizes[0], sum(sizes)),
        Progress("shop", "b.csv", sum(sizes), sum(sizes)),
    ]


def test_what_a_sync_did_is_kept(shop: Shop):
    shop.write(ANN, BOB, "3,2011-11-07,Cid,0.125", "4,soon,Dan,4")
    report = shop.sync(title="Shop")
    assert [note.split(" ", 1)[0] for note in report.notes] == ["1", "1"]
    assert "rounded half to even" in report.notes[0]
    with shop.warehouse.reader(OWNER) as reader:
        [row] = reader.sources().to_dicts()
    assert json.loads(row["outcome"]) == report.to_json()
    assert json.loads(row["declaration"])["title"] == "Shop"
    assert row["watermark"] == datetime(2011, 11, 7, tzinfo=UTC)
    assert (row["parts"], row["records"], row["rounded"], row["rejected"]) == (1, 4, 1, 1)


def test_a_check_looks_without_storing(shop: Shop):
    shop.write(ANN, "2,soon,Bob,0.125", "3,2011-11-07,Cid,0.125")
    found = check(shop.declared(), secrets=NoSecrets(), now=NOW).to_json()
    assert (found["parts"], found["records"], found["rejected"], found["rounded"]) == (1, 3, 1, 1)
    assert found["examples"][0]["occurred_at"] == "2011-11-05T00:00:00+00:00"
    assert found["problems"] == [
        {"line": 3, "field": "at", "value": "soon", "reason": "'soon' is not an ISO 8601 time"}
    ]
    assert json.loads(json.dumps(found)) == found
    assert shop.live() == []
