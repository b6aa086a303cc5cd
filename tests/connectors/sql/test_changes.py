"""What is read again and what is not, while a table changes: nothing lost on any database."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from analyticspro.errors import SourceError
from analyticspro.events import WriteMode
from tests.connectors.sql.conftest import only, servers_only
from tests.connectors.sql.shop import NOW, Shop, add

LONG_AGO = "2026-01-01 10:00:00"


def stamp(hours: float) -> str:
    """Return the time `hours` after the first of February."""
    return f"{datetime(2026, 2, 1) + timedelta(hours=hours)}"


def test_a_first_sync_reads_all_and_the_next_what_changed(shop: Shop) -> None:
    shop.orders(*((n, stamp(n), f"{n}.50") for n in range(1, 8)))
    sync = shop.sync(page_rows=3)
    assert sync.run() == ["1", "2", "3", "4", "5", "6", "7"]
    assert sync.totals() == {str(n): 100 * n + 50 for n in range(1, 8)}
    assert sync.run() == []
    shop.run(
        add(8, stamp(8), "8"),
        f"UPDATE orders SET total = 99, updated_at = '{stamp(9)}' WHERE id = 2",
    )
    assert sync.run() == ["8", "2"]
    assert sync.totals()["2"] == 9900


def test_rows_of_one_moment_are_parted_by_their_key(shop: Shop) -> None:
    shop.orders(*((n, LONG_AGO, "1") for n in range(1, 12)))
    sync = shop.sync(page_rows=4)
    assert [page.batch.records for page in sync.pages()] == [4, 4, 3]
    assert sync.read == [str(n) for n in range(1, 12)]


def test_an_empty_table_gives_nothing_and_its_first_row_is_found(shop: Shop) -> None:
    shop.orders()
    sync = shop.sync()
    assert sync.run() == []
    shop.run(add(1, LONG_AGO, "1"))
    assert sync.run() == ["1"]


def test_the_last_while_is_read_again(shop: Shop) -> None:
    shop.orders((1, stamp(1), "1"), (2, stamp(2), "2"), (3, stamp(3), "3"))
    sync = shop.sync({"lookback": 3600})
    at = datetime(2026, 2, 1, 3, 30, tzinfo=UTC)
    sync.run(now=at)
    assert sync.run(now=at) == ["3"]
    assert sync.run(now=at + timedelta(minutes=30)) == ["3"]
    assert sync.run(now=at + timedelta(minutes=30)) == []


def test_behind_the_newest_row_some_are_read_again_whatever_the_clock_says(shop: Shop) -> None:
    shop.orders(*((n, stamp(n), "1") for n in range(1, 5)))
    sync = shop.sync({"lookback": 7200, "overlap": 1000})
    sync.run()
    shop.run(add(9, stamp(2.5), "1"))  # as by whoever copies rows from elsewhere
    assert sync.run() == ["9", "3", "4"]


def test_a_table_that_was_stamped_at_once_is_not_read_again_and_again(shop: Shop) -> None:
    shop.orders(*((n, LONG_AGO, "1") for n in range(1, 10)))
    sync = shop.sync({"overlap": 2}, page_rows=3)
    sync.run()
    assert sync.run() == ["8", "9"]


@servers_only
def test_a_transaction_that_commits_behind_the_cursor_is_found(shop: Shop) -> None:
    shop.orders((1, stamp(1), "1"))
    sync = shop.sync({"lookback": 3600})
    with closing(shop.connect()) as slow:
        slow.cursor().execute(add(2, stamp(2), "2"))
        shop.run(add(3, stamp(2.5), "3"))
        assert sync.run(now=datetime(2026, 2, 1, 2, 40, tzinfo=UTC)) == ["1", "3"]
        slow.commit()
    assert "2" in sync.run(now=datetime(2026, 2, 1, 4, tzinfo=UTC))
    assert sync.totals() == {"1": 100, "2": 200, "3": 300}


@servers_only
def test_what_commits_behind_a_sync_that_was_cut_off_is_found(shop: Shop) -> None:
    shop.orders(*((n, stamp(2 + n / 100), "1") for n in range(1, 7)))
    sync = shop.sync({"lookback": 3600}, page_rows=2)
    soon = datetime(2026, 2, 1, 2, 10, tzinfo=UTC)
    with closing(shop.connect()) as slow:
        slow.cursor().execute(add(9, stamp(2.005), "9"))
        sync.run(now=soon, pages=2)
        slow.commit()
    # It goes on from where it was, and then reads again what was not settled then.
    assert sync.run(now=soon + timedelta(hours=5)) == ["5", "6", "9", "1", "2", "3", "4"]
    assert sync.run(now=soon + timedelta(hours=5)) == []


@pytest.mark.parametrize("mode", ["by time", "by key", "whole"])
def test_killed_and_resumed_at_every_page(shop: Shop, mode: str) -> None:
    shop.orders(*((n, stamp(n // 3), f"{n}") for n in range(1, 12)))
    stream = {
        "by time": {"lookback": 3600},
        "by key": {"updated_at": None, "overlap": 3},
        "whole": {"updated_at": None, "mode": "replace", "overlap": None},
    }[mode]
    expected = {str(n): 100 * n for n in range(1, 12)}
    for pages in (1, 3, 5):
        sync = shop.sync(stream, page_rows=2)
        sync.run(pages=pages)
        sync.run()
        assert sync.totals() == expected
        assert len(sync.run()) <= {"by time": 0, "by key": 6, "whole": 11}[mode]
    if mode != "whole":  # which starts anew each time
        sync = shop.sync(stream, page_rows=2)
        for _ in range(7):
            sync.run(now=datetime(2026, 2, 1, tzinfo=UTC), pages=1)
        assert sync.totals() == expected


def test_rows_that_change_while_they_are_paged_are_read_in_their_last_state(shop: Shop) -> None:
    shop.orders(*((n, stamp(n), "1") for n in range(1, 9)))
    sync = shop.sync(page_rows=2)
    for number, _ in enumerate(sync.pages()):
        if number == 1:  # 1 to 4 were read: one of them changes, one that was not, one goes
            shop.run(
                f"UPDATE orders SET total = 50, updated_at = '{stamp(100)}' WHERE id = 3",
                f"UPDATE orders SET total = 70, updated_at = '{stamp(101)}' WHERE id = 7",
                "DELETE FROM orders WHERE id = 4",
                add(99, stamp(102), "99"),
            )
    rows = {str(n): 100 * int(total) for n, total in shop.rows("SELECT id, total FROM orders")}
    assert sync.totals() == rows | {"4": 100}


def test_a_deleted_row_is_not_noticed_unless_the_table_is_read_whole(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"), (2, LONG_AGO, "2"), (3, LONG_AGO, "3"))
    by_time = shop.sync()
    whole = shop.sync({"mode": "replace", "updated_at": None, "overlap": None}, page_rows=2)
    for sync in (by_time, whole):
        assert sync.run() == ["1", "2", "3"]
    shop.run("DELETE FROM orders WHERE id = 2")
    for sync in (by_time, whole):
        sync.run()
    assert set(by_time.events) == {"1", "2", "3"}
    assert set(whole.events) == {"1", "3"}
    shop.run("DELETE FROM orders")
    whole.run()
    assert whole.events == {}


def test_a_column_that_marks_deleted_rows_makes_another_event_of_them(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"), (2, LONG_AGO, "2"))
    shop.run(f"ALTER TABLE orders ADD deleted_at {shop.instant} NULL")
    rule = {"column": "deleted_at", "starts_with": "", "name": "order_deleted"}
    sync = shop.sync({"event_rules": [rule]})
    sync.run()
    shop.run(f"UPDATE orders SET deleted_at = '{stamp(1)}', updated_at = '{stamp(1)}' WHERE id = 1")
    sync.run()
    assert {n: event["name"] for n, event in sync.events.items()} == {
        "1": "order_deleted",
        "2": "order_placed",
    }


def test_a_growing_key_is_read_on_with_an_overlap(shop: Shop) -> None:
    shop.orders(*((n, LONG_AGO, "1") for n in range(2, 13, 2)))
    sync = shop.sync({"updated_at": None, "overlap": 3})
    assert sync.connector.streams() == {"orders": WriteMode.APPEND}
    sync.run()
    shop.run(add(9, LONG_AGO, "1"), add(3, LONG_AGO, "1"))
    assert sync.run() == ["8", "9", "10", "12"]  # 3 came too late


def test_a_counter_is_read_on_with_an_overlap(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"), (2, LONG_AGO, "2"))
    shop.run("ALTER TABLE orders ADD revision bigint", "UPDATE orders SET revision = 10 + id")
    counter = {"column": "revision", "format": "number"}
    sync = shop.sync({"updated_at": counter, "overlap": 0})
    sync.run()
    shop.run("UPDATE orders SET revision = 13, total = 7 WHERE id = 1")
    assert sync.run() == ["1"]
    assert sync.totals() == {"1": 700, "2": 200}


def test_a_version_of_its_own_is_merged_and_without_one_the_last_read_stands(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"))
    assert shop.sync().connector.streams() == {"orders": WriteMode.REPLACE}
    sync = shop.sync({"version": "updated_at"})
    assert sync.connector.streams() == {"orders": WriteMode.MERGE}
    sync.run()
    assert sync.events["1"]["version"] == 1_767_261_600_000_000


def test_an_hour_that_comes_twice_is_settled_after_its_second_time(shop: Shop) -> None:
    # In New York 01:30 on 1 November 2026 is first 05:30, then 06:30 UTC.
    shop.orders((1, "2026-11-01 01:30:00", "1"))
    sync = shop.sync({"lookback": 60, "timezone": "America/New_York"})
    shop_time = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)
    sync.run(now=shop_time)
    shop.run(add(2, "2026-11-01 01:09:00", "2"))  # 40 minutes later by any other clock
    assert sync.run(now=shop_time) == ["2", "1"]


@only("sqlite")
@pytest.mark.parametrize(
    ("first", "second"),
    [("2026-02-01T10-09", "2026-02-01T11Z"), ("2026-02-01T10:00-09:00", "2026-02-01T11:00")],
)
def test_texts_that_are_not_sorted_as_times_are_no_way_to_go_on(
    shop: Shop, first: str, second: str
) -> None:
    shop.orders((1, first, "1"), (2, second, "1"))
    with pytest.raises(SourceError, match="updated_at cannot be read on from"):
        shop.sync().run()


@only("sqlite")
def test_what_is_no_time_is_no_way_to_go_on(shop: Shop) -> None:
    shop.orders((1, "01/02/2026", "1"), (2, "02/01/2026", "1"))
    sync = shop.sync()
    with pytest.raises(SourceError, match="'02/01/2026' is not an ISO 8601 time"):
        sync.run()
    assert sync.read == ["1", "2"]


@only("postgresql")
def test_times_without_end_are_read_and_hinder_nothing(shop: Shop) -> None:
    shop.orders((1, "-infinity", "1"), (2, stamp(1), "1"), (3, stamp(2), "1"), (4, "infinity", "1"))
    for rows in (1, 2, 3, 4):
        sync = shop.sync(page_rows=rows)
        assert sync.run() == ["1", "2", "3", "4"]
        assert sync.run() == ["4"]
        shop.run(add(5, stamp(3), "1"))
        assert sync.run() == ["5", "4"]
        shop.run("DELETE FROM orders WHERE id = 5")


@servers_only
def test_a_clock_of_ours_that_is_ahead_settles_nothing(shop: Shop) -> None:
    shop.orders()
    now = "now()" if shop.kind == "postgresql" else "utc_timestamp(6)"
    row = add(1, "STAMP", "1").replace("'STAMP'", now)
    shop.run(row)
    sync = shop.sync()
    ahead = datetime(2100, 1, 1, tzinfo=UTC)
    sync.run(now=ahead)
    assert sync.run(now=ahead) == ["1"]


def test_rows_without_a_place_in_the_order_are_set_aside_and_said(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"))
    shop.run(
        f"CREATE TABLE loose (id integer, changed {shop.instant} NULL, total integer)",
        f"INSERT INTO loose VALUES (1, '{stamp(1)}', 1), (2, NULL, 2), (NULL, '{stamp(3)}', 3), "
        f"(4, '{stamp(4)}', 4), (5, '{stamp(4)}', 5)",
    )
    stream = {"table": "loose", "updated_at": "changed", "occurred_at": "changed"}
    sync = shop.sync({**stream, "customer_id": None, "properties": {}}, page_rows=2)
    assert sync.run() == ["1", "4", "5"]
    assert [row["field"] for row in sync.rejects] == ["changed", "id"]
    assert [json.loads(row["raw"])["total"] for row in sync.rejects] == ["2", "3"]
    assert "coalesce" in sync.rejects[0]["reason"]


def test_a_row_that_is_wrong_costs_itself_only(shop: Shop) -> None:
    shop.orders((1, LONG_AGO, "1"), (2, stamp(1), "2"), (3, stamp(2), "3"))
    sync = shop.sync(
        {"currency": None, "amount": {"product": ["total"], "currency_column": "customer"}}
    )
    shop.run("UPDATE orders SET customer = 'EUR' WHERE id <> 2")
    assert sync.run() == ["1", "3"]
    [reject] = sync.rejects
    assert (reject["field"], reject["value"]) == ("customer", "ann")
    assert sync.run(now=NOW) == []
