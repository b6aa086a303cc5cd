"""Only the attempt that counts can end a run, and the database itself keeps doubles out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from analyticspro.scheduling import Definition, Interval, Schedules
from analyticspro.state import Ending, LeaseLost, Origin, Outcome, Run, RunState, State
from analyticspro.state.models import Runs

NOW = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def state(address: str) -> Iterator[State]:
    """A database with one schedule and three slots that wait."""
    with State.open(address) as opened:
        definition = Definition("sync", "job", Interval(HOUR))
        schedule = Schedules(opened).put(definition, who="test", now=NOW)
        with opened.schedules.turn(schedule.id) as turn:
            turn.add([NOW + hour * HOUR for hour in range(3)], Origin.SCHEDULE, now=NOW)
        yield opened


def begin(state: State) -> Run:
    with state.schedules.turn(1) as turn:
        run = turn.next_run(due_by=None)
        return turn.begin(run, owner="test", now=NOW)


def test_an_attempt_that_was_taken_over_can_neither_beat_nor_end_the_next(state: State):
    first = begin(state)
    assert state.runs.take_over(first, Ending(Outcome.LOST, again_at=NOW), now=NOW)
    second = begin(state)
    written = []
    assert (second.id, second.attempt) == (first.id, 2)
    for ending in (Ending(Outcome.SUCCEEDED), Ending(Outcome.FAILED, again_at=NOW)):
        with pytest.raises(LeaseLost, match=r"Attempt 1 .* Nothing was changed"):
            state.runs.end(first, ending, now=NOW, writes=[written.append])
    with pytest.raises(LeaseLost):
        state.runs.beat(first, now=NOW)
    assert state.runs.get(first.id) == second
    assert written == []
    state.runs.end(second, Ending(Outcome.SUCCEEDED), now=NOW)
    with pytest.raises(LeaseLost):
        state.runs.end(second, Ending(Outcome.FAILED), now=NOW)
    assert state.runs.get(first.id).outcome is Outcome.SUCCEEDED


def test_an_owner_that_beats_just_before_it_would_be_taken_over_keeps_its_run(state: State):
    run = begin(state)
    state.runs.beat(run, now=NOW)
    assert not state.runs.take_over(run, Ending(Outcome.LOST, again_at=NOW), now=NOW)
    assert state.runs.get(run.id).state is RunState.RUNNING


def test_the_database_refuses_a_second_run_of_a_slot(state: State):
    [run, *_] = state.runs.of(1)
    copied = {name: value for name, value in vars(run).items() if name != "id"}
    with pytest.raises(IntegrityError), state.writing() as connection:
        connection.execute(insert(Runs), [copied])


def test_the_database_refuses_a_run_beside_one_that_runs_alone(state: State):
    begin(state)
    with pytest.raises(IntegrityError):
        begin(state)
    with state.writing() as connection:
        connection.execute(update(Runs).values(alone=False))
    assert begin(state).slot == NOW + HOUR


def test_one_has_charge_of_a_schedule_at_a_time(postgresql):
    with State.open(postgresql.database()) as state:
        Schedules(state).put(Definition("sync", "job", Interval(HOUR)), who="test", now=NOW)
        with state.schedules.turn(1):
            with state.schedules.turn(1, wait=False) as second:
                assert second is None
            with state.writing() as connection:  # others are not held up
                connection.execute(text("UPDATE runs SET beat = beat"))
        with state.schedules.turn(1, wait=False) as third:
            assert third is not None
