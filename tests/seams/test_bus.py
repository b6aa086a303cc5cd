"""What the collector relies on in a bus, whichever it is; see docs/scaling.md."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.errors import RetriableError
from analyticspro.ingest.deliveries import Taken
from analyticspro.ingest.intake import Limits
from analyticspro.warehouse import Outcome
from tests.seams.implementations import BUSES, Line
from tests.seams.sending import EACH, confirmed, delivery, rows, submitted

NEW, _, DUPLICATE, CONFLICT = Outcome
COUNT = "SELECT count(*), count(DISTINCT event_id) FROM events"


@pytest.fixture(params=BUSES)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def line(kind: str, tmp_path: Path) -> Iterator[Line]:
    with BUSES[kind](tmp_path) as opened:
        yield opened


def test_what_was_answered_survives_a_kill_and_what_comes_again_is_there_once(
    kind: str, tmp_path: Path
):
    told = confirmed("bus", kind, tmp_path, 0)
    with BUSES[kind](tmp_path) as line:
        # Whoever was not answered sends again, and so does who lost the answer.
        again = [delivery(number) for number in range(told[-1] + 5)]
        found = submitted(line.bus, *again)
        for number in told:
            assert found[number].outcomes == [DUPLICATE] * EACH
        for one in found:
            assert set(one.outcomes) in ({NEW}, {DUPLICATE}), "a delivery is whole"
        assert rows(line.store, COUNT) == [(len(again) * EACH,) * 2]


def test_of_two_of_one_id_the_first_submitted_stands(line: Line):
    found = submitted(
        line.bus,
        *(delivery(n, raw=f'{{"n":{turn}}}', events=1) for turn in range(3) for n in range(5)),
    )
    assert [one.outcomes for one in found] == [[NEW]] * 5 + [[CONFLICT]] * 10
    assert rows(line.store, "SELECT DISTINCT raw FROM events") == [('{"n":0}',)]


def test_the_same_again_is_a_duplicate(line: Line):
    assert submitted(line.bus, delivery(1), delivery(1))[1].outcomes == [DUPLICATE] * EACH
    assert submitted(line.bus, delivery(1))[0].outcomes == [DUPLICATE] * EACH
    assert rows(line.store, COUNT) == [(EACH, EACH)]


def test_each_is_told_of_its_own(line: Line):
    submitted(line.bus, delivery(1, events=2))
    found = submitted(line.bus, delivery(1, events=3), delivery(2, events=1))
    assert [one.outcomes for one in found] == [[DUPLICATE, DUPLICATE, NEW], [NEW]]


@pytest.mark.parametrize("limits", [Limits(events=3), Limits(size=300)], ids=["events", "bytes"])
def test_it_holds_so_many_says_so_and_takes_more_later(kind: str, limits: Limits, tmp_path: Path):
    async def fill(line: Line) -> list[Taken]:
        answers = []
        with line.stalled():
            while not line.bus.is_full():
                answers.append(line.bus.submit(delivery(len(answers), events=1)))
                await asyncio.sleep(0.001)
            assert line.bus.waiting == 3
            with pytest.raises(RetriableError):
                line.bus.submit(delivery("too much"))
            assert not any(answer.done() for answer in answers)
        found = list(await asyncio.gather(*answers))
        while line.bus.is_full():
            await asyncio.sleep(0.001)
        return [*found, await line.bus.submit(delivery("more", events=1))]

    with BUSES[kind](tmp_path, limits) as line:
        assert [one.outcomes for one in asyncio.run(fill(line))] == [[NEW]] * 4
        assert rows(line.store, COUNT) == [(4, 4)]


def test_closing_stores_what_waits_and_takes_no_more(line: Line):
    async def close() -> list[Taken]:
        with line.stalled():
            answers = [line.bus.submit(delivery(n)) for n in range(5)]
            closing = asyncio.create_task(asyncio.to_thread(line.bus.close))
            while not line.bus.is_full():
                await asyncio.sleep(0.001)
            with pytest.raises(RetriableError):
                line.bus.submit(delivery("late"))
        await closing
        return list(await asyncio.gather(*answers))

    assert [one.outcomes for one in asyncio.run(close())] == [[NEW] * EACH] * 5
    assert rows(line.store, COUNT) == [(5 * EACH,) * 2]
    assert line.bus.waiting == 0


def test_whoever_does_not_wait_any_more_changes_nothing(line: Line):
    async def leave() -> Taken:
        with line.stalled():
            gone = line.bus.submit(delivery(1))
            gone.cancel()
            stays = line.bus.submit(delivery(2))
        return await stays

    assert asyncio.run(leave()).outcomes == [NEW] * EACH
    assert rows(line.store, COUNT) == [(2 * EACH,) * 2]
