"""A file that is still being written is left for the next sync, and the sync says so."""

from __future__ import annotations

from typing import Any

from tests.ingest.shop import Shop, counts

ANN, BOB, CID = "1,2011-11-05,Ann,1.00", "2,2011-11-06,Bob,2.00", "3,2011-11-07,Cid,3.00"
WAITING: dict[str, Any] = {"settled_for": 3600}
KEYED: dict[str, Any] = {"key": ["id"]}


def test_a_file_that_is_not_settled_is_left_and_named(shop: Shop):
    shop.write(ANN)
    report = shop.sync(**WAITING)
    assert (report.error, report.parts, counts(report)) == (None, 1, {})
    assert report.notes == [
        "1 file(s) changed less than 3600 s ago (orders.csv) and are left for the next sync."
    ]
    assert counts(shop.sync())["new"] == 1


def test_a_file_that_was_read_and_grows_keeps_its_events_meanwhile(shop: Shop):
    shop.write(ANN)
    shop.sync()
    assert shop.sync(**WAITING).notes == [], "nothing waits, and no file is read again for that"
    shop.write(ANN, BOB)
    assert len(shop.sync(**WAITING).notes) == 1
    assert shop.live() == ["Ann"]


def test_with_a_key_the_other_files_wait_for_one_that_was_read_before(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.write(BOB, name="b.csv")
    shop.sync(**KEYED)
    shop.write(ANN, BOB.replace("Bob", "old"), name="a.csv")
    shop.write(BOB, CID, name="b.csv")
    report = shop.sync(**KEYED, **WAITING)
    assert (counts(report), "the others wait too" in report.notes[0]) == ({}, True)
    assert shop.live() == ["Ann", "Bob"]
    shop.sync(**KEYED)
    assert shop.live() == ["Ann", "Bob", "Cid"]
