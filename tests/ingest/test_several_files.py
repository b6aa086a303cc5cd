"""A source of several files, and a key that stands in more than one of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.shop import Shop, counts

ANN, BOB, CID = "1,2011-11-05,Ann,1.00", "2,2011-11-06,Bob,2.00", "3,2011-11-07,Cid,3.00"
KEYED: dict[str, Any] = {"key": ["id"]}


def test_a_new_file_is_read_and_the_others_are_not(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.sync()
    shop.write(BOB, name="b.csv")
    report = shop.sync()
    assert (report.parts, counts(report)) == (2, {"read": 1, "records": 1, "new": 1})
    assert shop.live("customer_id, part") == [("Ann", "a.csv"), ("Bob", "b.csv")]


def test_the_same_rows_in_two_files_are_two(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.write(ANN, name="b.csv")
    assert counts(shop.sync())["new"] == 2


def test_a_file_that_is_gone_keeps_its_events_and_says_so(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.write(BOB, name="b.csv")
    shop.sync()
    (shop.folder / "b.csv").unlink()
    report = shop.sync()
    assert counts(report) == {}
    assert report.notes == ["1 file(s) are no longer there (b.csv); their events stay."]
    assert shop.live() == ["Ann", "Bob"]


def test_when_all_files_are_gone_the_error_says_so_and_nothing_is_lost(shop: Shop):
    shop.write(ANN).unlink()
    report = shop.sync()
    assert report.error is not None
    assert report.error["code"] == "source"
    assert "no file fits" in report.error["message"]
    shop.write(ANN)
    assert shop.sync().error is None


def test_sources_of_two_names_do_not_touch_each_other(shop: Shop):
    shop.write(ANN, BOB)
    shop.sync(**KEYED)
    assert counts(shop.sync(name="other", **KEYED))["new"] == 2
    shop.write(ANN)
    assert counts(shop.sync(**KEYED))["retracted"] == 1
    assert shop.live("event_id") == ["other:1", "other:2", "shop:1"]


# A key in several files


def test_of_a_key_in_two_files_the_later_file_is_right(shop: Shop):
    shop.write(ANN, BOB, name="a.csv")
    shop.write(BOB.replace("Bob", "Bert"), name="b.csv")
    shop.sync(**KEYED)
    assert shop.live("customer_id, part") == [("Ann", "a.csv"), ("Bert", "b.csv")]
    shop.write(ANN, BOB, CID, name="a.csv")
    shop.sync(**KEYED)
    assert shop.live("customer_id, part") == [
        ("Ann", "a.csv"), ("Bert", "b.csv"), ("Cid", "a.csv"),
    ]  # fmt: skip


def test_a_key_that_leaves_one_file_stays_while_another_holds_it(shop: Shop):
    shop.write(ANN, BOB, name="a.csv")
    shop.write(BOB, name="b.csv")
    shop.sync(**KEYED)
    shop.write(CID, name="b.csv")
    shop.sync(**KEYED)
    assert shop.live("customer_id, part") == [("Ann", "a.csv"), ("Bob", "a.csv"), ("Cid", "b.csv")]


@pytest.mark.parametrize(("before", "after"), [("a", "b"), ("b", "a")], ids=["down", "up"])
def test_a_row_that_moves_to_another_file_stays(shop: Shop, before: str, after: str):
    shop.write(ANN, BOB, name=f"{before}.csv")
    shop.write(CID, name=f"{after}.csv")
    shop.sync(**KEYED)
    shop.write(ANN, name=f"{before}.csv")
    shop.write(CID, BOB, name=f"{after}.csv")
    shop.sync(**KEYED)
    assert shop.live() == ["Ann", "Bob", "Cid"]
    assert counts(shop.sync(**KEYED)) == {}


def test_a_break_between_two_files_with_a_key_is_made_good(shop: Shop):
    shop.write(ANN, BOB, name="a.csv")
    shop.write(BOB.replace("Bob", "Bert"), name="b.csv")
    shop.sync(**KEYED)
    shop.write(ANN, BOB, CID, name="a.csv")
    shop.write(BOB, name="b.csv", head="id,at,whom,paid")
    assert shop.sync(**KEYED).error is not None
    shop.write(BOB.replace("Bob", "Bert"), name="b.csv")
    shop.sync(**KEYED)
    assert shop.live() == ["Ann", "Bert", "Cid"]


def test_a_later_file_with_keys_is_read_alone(shop: Shop):
    shop.write(ANN, name="a.csv")
    shop.sync(**KEYED)
    shop.write(BOB, name="b.csv")
    assert shop.sync(**KEYED).read == 1
    shop.write(BOB, CID, name="b.csv")
    assert shop.sync(**KEYED).read == 2
