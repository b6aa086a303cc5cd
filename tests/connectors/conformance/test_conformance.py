"""What every connector must hold to, whatever its source does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.connectors.conformance.harness import T0, Harness, Record, records
from tests.connectors.conformance.loop import Killed, Store, sync

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
# After the source's clock, where it tells its time: what changes while it is read.
LATER = T0 + timedelta(days=30)


def expected(*given: Iterable[Record]) -> dict[str, int]:
    """Return the amounts in cents; of a record that is given twice, the later one's."""
    return {record.id: round(float(record.total) * 100) for some in given for record in some}


def synced(source: Harness, store: Store | None = None) -> Store:
    store = store or Store()
    sync(source.connector(), store, now=NOW)
    return store


def test_a_first_sync_reads_everything_once(source: Harness):
    source.put(records(23))
    store = synced(source)
    assert store.totals() == expected(records(23))
    assert store.seen == 23
    assert store.pages >= 4


def test_the_next_sync_reads_what_is_new_and_an_overlap(source: Harness):
    source.put(records(90))
    store = synced(source)
    before = store.seen
    new = [Record(f"n{n}", LATER + timedelta(minutes=n)) for n in range(7)]
    changed = [Record("o00003", LATER, "99.00")]
    source.put([*new, *changed])
    synced(source, store)
    assert store.totals() == expected(records(90), new, changed)
    # An hour behind the newest are four records, the edge included.
    assert 8 < store.seen - before <= 8 + 4 + 5


def test_what_appears_late_is_found_behind_the_cursor(source: Harness):
    source.put(records(30))
    store = synced(source)
    late = [Record("late", records(30)[-1].at - timedelta(minutes=59))]
    source.put(late)
    synced(source, store)
    assert store.totals() == expected(records(30), late)


def test_a_sync_with_nothing_new_changes_nothing(source: Harness):
    source.put(records(12))
    store = synced(source)
    events = dict(store.events)
    for _ in range(3):
        synced(source, store)
    assert store.events == events


def test_an_empty_source_is_no_error_and_can_fill_later(source: Harness):
    store = synced(source)
    assert (store.events, store.rejects) == ({}, [])
    source.put(records(3))
    synced(source, store)
    assert store.totals() == expected(records(3))


def test_records_out_of_order_are_all_read_and_the_cursor_moves_forward(source: Harness):
    source.put(records(23))
    ids = [record.id for record in records(23)]
    source.order([*ids[20:], *ids[:20:3], *ids[1:20:3], *ids[2:20:3]])
    store = synced(source)
    assert store.totals() == expected(records(23))
    new = [Record("n1", LATER)]
    source.put(new)
    synced(source, store)
    assert store.totals() == expected(records(23), new)


def test_a_new_field_is_passed_over_and_kept_in_the_raw_record(source: Harness):
    source.put(records(3))
    store = synced(source)
    source.put([Record("n1", LATER, "5.00", {"colour": "blue"})])
    synced(source, store)
    assert store.totals() == expected(records(3), [Record("n1", LATER, "5.00")])


def test_a_value_of_another_kind_is_set_aside_and_the_rest_goes_on(source: Harness):
    source.put(records(12))
    source.put([Record("o00004", records(5)[-1].at, "a lot")])
    store = synced(source)
    wanted = expected(records(12)[:4], records(12)[5:])
    assert store.totals() == wanted
    [reject] = store.rejects
    assert (reject["field"], reject["value"]) == ("total", "a lot")
    assert "o00004" in reject["raw"]


def test_a_huge_source_is_handed_on_in_pieces(source: Harness):
    source.put(records(100))
    store = synced(source)
    assert store.totals() == expected(records(100))
    assert store.pages > 2


@pytest.mark.parametrize("is_committed", [False, True], ids=["before", "after"])
def test_killed_at_any_page_it_goes_on_and_loses_nothing(source: Harness, is_committed: bool):
    source.put(records(13))
    store = synced(source)
    pages = store.pages
    for number in range(1, pages + 1):
        store = Store()
        kill = {"kill_after" if is_committed else "kill_before": number}
        with pytest.raises(Killed):
            sync(source.connector(), store, now=NOW, **kill)  # type: ignore[arg-type]
        assert store.pages == (number if is_committed else number - 1)
        synced(source, store)
        assert store.totals() == expected(records(13))


def test_killed_after_every_page_it_comes_to_its_end(source: Harness):
    source.put(records(13))
    store = Store()
    for _ in range(100):
        before = store.pages
        try:
            sync(source.connector(), store, now=NOW, kill_after=1)
        except Killed:
            continue
        assert store.pages == before
        break
    assert store.totals() == expected(records(13))


def test_what_changes_between_kill_and_resume_is_not_lost(source: Harness):
    source.put(records(23))
    store = Store()
    with pytest.raises(Killed):
        sync(source.connector(), store, now=NOW, kill_after=2)
    changed = [Record("o00002", LATER, "7.00"), Record("new", LATER + timedelta(minutes=1))]
    source.put(changed)
    for _ in range(2):
        synced(source, store)
    assert store.totals() == expected(records(23), changed)


@pytest.mark.parametrize("page", [1, 3])
def test_nothing_is_lost_when_records_change_while_they_are_read(source: Harness, page: int):
    """They go to the list's other end, so that all between move up or down."""
    source.put(records(23))
    changed = [Record("o00001", LATER, "1.23"), Record("o00020", LATER, "4.56")]

    def change(number: int) -> None:
        if number == page:
            source.put(changed)

    source.between_pages(change)
    store = synced(source)
    synced(source, store)
    assert store.totals() == expected(records(23), changed)


def test_nothing_is_lost_when_records_change_in_a_list_without_order(source: Harness):
    """One on a page already passed, and days later one on a page still to come.

    Whoever takes the newest seen for all there is never sees the first.
    """
    source.put(records(23))
    source.order([record.id for record in records(23)])
    much_later = LATER + timedelta(days=2)
    changed = [Record("o00001", LATER, "1.23"), Record("o00020", much_later, "4.56")]

    def change(number: int) -> None:
        if number == 1:
            source.put(changed)

    source.between_pages(change)
    store = synced(source)
    synced(source, store)
    assert store.totals() == expected(records(23), changed)


@pytest.mark.parametrize("gone", [["o00001"], ["o00001", "o00002", "o00021", "o00020"]])
@pytest.mark.parametrize("page", [1, 3])
def test_nothing_is_lost_when_records_go_away_while_they_are_read(
    source: Harness, page: int, gone: list[str]
):
    source.put(records(23))

    def take(number: int) -> None:
        if number == page:
            source.delete(gone)

    source.between_pages(take)
    store = synced(source)
    left = {name: cents for name, cents in expected(records(23)).items() if name not in gone}
    assert {name: cents for name, cents in store.totals().items() if name not in gone} == left
