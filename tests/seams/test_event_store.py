"""What ingest relies on in a warehouse, whichever engine it is; see docs/scaling.md."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from analyticspro.events import WriteMode
from analyticspro.ingest.event_store import EventStore
from analyticspro.policy import OWNER
from analyticspro.warehouse import Outcome
from tests.seams.implementations import STORES
from tests.seams.sending import AT, EACH, commit, confirmed, frame, rows

NEW, CHANGED, DUPLICATE, CONFLICT = Outcome
IDS = "SELECT event_id FROM events WHERE retired IS NULL ORDER BY ALL"


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[EventStore]:
    with STORES[kind](tmp_path) as opened:
        yield opened


def put(
    store: EventStore, *ids: str, mode: WriteMode = WriteMode.APPEND, version: int | None = None
) -> list[Outcome]:
    with store.writer() as writer, writer.commit(AT):
        stored = writer.store(
            "s", "p", frame(*ids, version=version), mode=mode, received_at=AT, watermark=None
        )
    return [Outcome(one) for one in stored.outcomes]


def test_a_commit_survives_a_kill_whole_or_not_at_all(kind: str, tmp_path: Path):
    """And an id that was stored before a kill is known after it."""
    first = 0
    for _ in range(2):
        told = confirmed("store", kind, tmp_path, first)
        with STORES[kind](tmp_path) as store, store.writer() as writer:
            last = int(writer.stream_cursor("site", "web") or -1)
        assert told == list(range(first, told[-1] + 1))
        assert told[-1] <= last <= told[-1] + 1, "what goes on from here is committed with it"
        first = last - 2  # it sends again what it had sent
    with STORES[kind](tmp_path) as store:
        parts = rows(store, "SELECT event_id FROM events ORDER BY revision, event_id")
        expected = [f"{number}-{each}" for number in range(last + 1) for each in range(EACH)]
        assert sorted(each for (each,) in parts) == sorted(expected)
        [(seen, new, repeated)] = rows(
            store, "SELECT sum(seen)::INT, sum(new)::INT, sum(duplicates)::INT FROM ledger"
        )
        assert (seen, new, repeated) == (len(expected) + 3 * EACH, len(expected), 3 * EACH)


def test_a_commit_that_fails_leaves_nothing(store: EventStore):
    commit(store, 0)
    with pytest.raises(ZeroDivisionError), store.writer() as writer, writer.commit(AT):  # noqa: PT012
        writer.store("site", "web", frame("x"), received_at=AT, watermark=None)
        writer.advance("site", "web", "1")
        raise ZeroDivisionError
    with store.writer() as writer:
        assert writer.stream_cursor("site", "web") == "0"
    assert len(rows(store, IDS)) == EACH
    assert put(store, "x") == [NEW]
    assert commit(store, 2) == 3, "no revision is left out"


def test_one_writes_at_a_time_and_revisions_have_no_gaps(store: EventStore):
    found: list[int] = []
    writers = [
        threading.Thread(
            target=lambda start=start: found.extend(commit(store, start + n) for n in range(5))
        )
        for start in (0, 10, 20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(found) == list(range(1, 16))
    assert len(rows(store, IDS)) == 15 * EACH


def test_a_reader_sees_one_moment_and_keeps_nobody_from_writing(store: EventStore):
    commit(store, 0)
    with store.reader(OWNER) as before:
        assert (before.revision(), before.frame(IDS).height) == (1, EACH)
        commit(store, 1)
        with store.reader(OWNER) as after:
            assert (after.revision(), after.frame(IDS).height) == (2, 2 * EACH)
        with store.writer() as writer, writer.commit(AT):
            writer.store("site", "web", frame("x"), received_at=AT, watermark=None)
            with store.reader(OWNER) as meanwhile:
                assert meanwhile.revision() == 2, "what is not committed is not to be seen"
        assert (before.revision(), before.frame(IDS).height) == (1, EACH)


def test_many_read_at_once(store: EventStore):
    commit(store, 0)
    with ExitStack() as opened:
        readers = [opened.enter_context(store.reader(OWNER)) for _ in range(20)]
        assert {reader.frame(IDS).height for reader in readers} == {EACH}


def test_an_earlier_moment_is_what_was_committed_by_then(store: EventStore):
    hours = [AT + timedelta(hours=hour) for hour in (0, 1, -1)]  # the clock is set back once
    for number, at in enumerate(hours):
        commit(store, number, at)
    moments = {AT - timedelta(hours=2): 0, AT: 1, hours[1]: 3, AT + timedelta(hours=9): 3}
    for moment, commits in moments.items():
        with store.reader(OWNER, as_of=moment) as reader:
            assert reader.frame(IDS).height == commits * EACH
            assert reader.revision() == commits
    put(store, "m", mode=WriteMode.MERGE, version=1)
    with store.reader(OWNER, as_of=hours[1]) as reader:
        put(store, "m", mode=WriteMode.MERGE, version=2)
        versions = reader.frame("SELECT version FROM events WHERE event_id = 'm'")["version"]
        assert versions.to_list() == [1], "of this moment, whatever comes while it is read"


def test_an_id_is_known_for_ever_and_its_mode_says_what_it_means(kind: str, tmp_path: Path):
    with STORES[kind](tmp_path) as store:
        assert put(store, "a", "b", "a") == [NEW, NEW, DUPLICATE]
        assert put(store, "m", mode=WriteMode.MERGE, version=2) == [NEW]
    with STORES[kind](tmp_path) as store:
        assert put(store, "b", "c") == [DUPLICATE, NEW]
        assert put(store, "m", mode=WriteMode.MERGE, version=1) == [DUPLICATE]
        assert put(store, "m", mode=WriteMode.MERGE, version=3) == [CHANGED]
        assert rows(store, IDS) == [("a",), ("b",), ("c",), ("m",)]
        [(new, changed, live)] = rows(
            store,
            "SELECT sum(new)::INT, sum(changed)::INT, sum(new - retracted)::INT FROM ledger",
        )
        assert (new, changed, live) == (4, 1, 4)


def test_what_is_prepared_by_many_is_told_by_the_one_who_writes(store: EventStore):
    """Preparing looks nothing up, so two that hold the same id cannot both be new."""
    ready = [store.prepare("s", frame("a"), WriteMode.APPEND) for _ in range(2)]
    outcomes = []
    for one in ready:
        with store.writer() as writer, writer.commit(AT):
            stored = writer.store("s", "p", one, received_at=AT, watermark=None)
        outcomes += [Outcome(each) for each in stored.outcomes]
    assert outcomes == [NEW, DUPLICATE]


def test_syncs_of_one_source_take_turns_and_others_do_not_wait(store: EventStore):
    inside = threading.Event()

    def another() -> None:
        with store.turn("a"):
            inside.set()

    waiting = threading.Thread(target=another)
    with store.turn("a"), store.turn("b"):
        waiting.start()
        assert not inside.wait(0.1)
    waiting.join()
    assert inside.is_set()
