"""Whatever comes, changes or goes, in whatever order, sessions are what a walk finds.

The walk (tests/visits.py) is the meaning of semantics.md, "Sessions, bounce": more than 30
minutes of silence end a session, and so does an event at 24 hours or more after its first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyticspro.policy import OWNER
from analyticspro.warehouse import Warehouse, session_days
from analyticspro.warehouse.schema import MIGRATIONS
from analyticspro.warehouse.session_days import bring_up, sessions_up_to
from tests.warehouse.visiting import (
    BOUGHT,
    DEEDS,
    PAGE,
    REFUNDED,
    STARTED,
    Step,
    Told,
    opened,
    views,
    walk,
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty warehouse to copy: quicker than to make one."""
    file = tmp_path_factory.mktemp("empty") / "w.duckdb"
    Warehouse.open(file, backups=file.parent).close()
    return file


def lengths(steps: Iterable[Step]) -> list[int]:
    return [session[6] for session in sorted(walk(steps), key=lambda session: session[3])]


@pytest.mark.parametrize(
    ("minutes", "events"),
    [
        pytest.param([0, 30, 60], [3], id="30 minutes of silence continue it"),
        pytest.param([0, 30.001], [1, 1], id="more end it"),
        pytest.param([*range(0, 1440, 20)], [72], id="it goes on for 24 hours"),
        pytest.param([*range(0, 1441, 20)], [72, 1], id="and no longer"),
        pytest.param([*range(0, 2900, 20)], [72, 72, 1], id="each has 24 hours of its own"),
        pytest.param([0, 25, *range(50, 1500, 25)], [58, 2], id="counted from the first event"),
        pytest.param([0, 0, 0], [3], id="at one time"),
    ],
)
@pytest.mark.parametrize("compacted", [False, True])
def test_a_session_ends_by_silence_or_after_24_hours(
    empty: Path, minutes: list[float], events: list[int], compacted: bool
):
    steps = [Step(f"e{number}", minute) for number, minute in enumerate(minutes)]
    assert lengths(steps) == events
    with opened(empty) as held:
        held.tell(*steps[::2])
        if compacted:
            held.warehouse.compact()
        if steps[1::2]:
            held.tell(*steps[1::2])
        held.check()


def test_a_late_event_makes_one_session_of_two(empty: Path):
    with opened(empty) as held:
        held.tell(*views(0, 50))
        held.warehouse.compact()
        held.check()
        held.tell(*views(25))
        held.check()
        assert [session[6] for session in held.sessions()] == [3]


def test_a_retraction_splits_a_session_and_moves_the_clock_of_those_after_it(empty: Path):
    steps = views(*range(0, 3000, 20))
    with opened(empty) as held:
        held.tell(*steps)
        held.warehouse.compact()
        assert lengths(held.live.values()) == [72, 72, 6]
        held.retract("ann20", "ann40")
        held.check()
        assert lengths(held.live.values()) == [1, 72, 72, 3]
        held.warehouse.compact()
        held.tell(*views(20))  # still apart from what follows, but for its own end
        held.check()
        held.retract("ann60", "ann1500")
        held.warehouse.compact()
        held.check()


def test_a_day_long_visit_is_cut_where_its_run_began_though_only_its_end_is_read(empty: Path):
    """The later sessions of a run know its beginning, though they were made one by one."""
    with opened(empty) as held:
        for day in range(4):
            held.tell(*views(*range(1440 * day, 1440 * (day + 1), 30)))
            held.warehouse.compact()
        held.check()
        held.tell(*views(-30))
        held.check()
        held.warehouse.compact()
        held.check()
        assert len(held.sessions()) == 5


def test_the_first_event_says_where_a_session_began(empty: Path):
    with opened(empty) as held:
        held.tell(Step("ba", 0, country="Italy"), Step("c", 5, country="Spain"))
        held.warehouse.compact()
        held.tell(Step("ab", 0, country="France"))  # at the same time, the lower id
        held.check()
        assert [session[5] for session in held.sessions()] == ["France"]
        held.retract("ab", "ba")
        held.check()
        assert [session[5] for session in held.sessions()] == ["Spain"]


def test_a_source_is_taken_at_its_word_about_its_own_sessions(empty: Path):
    numbered = [Step("a", 0, session="s"), Step("b", 9000, user=None, session="s")]
    with opened(empty) as held:
        held.tell(*numbered, Step("c", 1, session="t"), Step("d", 2), Step("e", 3, user=None))
        held.check()
        assert sorted(session[1] or "" for session in held.sessions()) == ["", "s", "t"]
        held.warehouse.compact()
        held.tell(Step("f", -9000, session="s", country="Peru"))
        held.check()
        held.retract("a")
        held.check()


@pytest.mark.parametrize(
    ("names", "is_bounce"),
    [
        pytest.param([PAGE], True, id="one page and nothing else"),
        pytest.param([STARTED, PAGE], True, id="what a tracker says by itself is no act"),
        pytest.param([PAGE, PAGE], False, id="two pages"),
        pytest.param([PAGE, BOUGHT], False, id="an act"),
        pytest.param([STARTED], False, id="no page"),
        pytest.param([PAGE, REFUNDED], True, id="a refund befalls them and is no visit"),
    ],
)
def test_a_bounce_is_one_page_and_no_act(empty: Path, names: list[str], is_bounce: bool):
    with opened(empty) as held:
        held.tell(*(Step(name + str(at), at, name=name) for at, name in enumerate(names)))
        held.check()
        assert [session[8] for session in held.sessions()] == [is_bounce]


def test_days_are_those_of_the_zone_and_made_anew_for_another(empty: Path):
    def days(held: Told) -> list[tuple[str, int]]:
        held.warehouse.compact()
        with held.warehouse.reader(OWNER) as reader:
            return reader.frame(
                f"SELECT bucket::VARCHAR, sum(sessions)::INT FROM ({session_days()}) "
                "GROUP BY ALL ORDER BY ALL"
            ).rows()

    with opened(empty, "Europe/London") as held:
        held.tell(*views(0, 60, 180))
        assert days(held) == [("2024-03-09", 2), ("2024-03-10", 1)]
        held.warehouse.close()
        file = held.warehouse._file
        held.warehouse = Warehouse.open(file, backups=file.parent, zone="Asia/Tokyo")
        assert days(held) == [("2024-03-10", 3)]


def test_many_steps_come_to_what_one_does(empty: Path):
    """A large warehouse is brought up a part at a time; each part is whole by itself."""
    with opened(empty) as held:
        held.tell(*views(*range(0, 4000, 25)))
        held.tell(*views(*range(10, 4000, 400)))
        held.retract("ann1000", "ann1025", "ann2000")
        with duckdb.connect() as connection:
            for migration in MIGRATIONS:
                connection.execute(migration)
            with held.warehouse.reader(OWNER) as reader:
                for table in ("hot", "ledger"):
                    rows = reader.frame(f"FROM {table}")
                    connection.register("rows", rows)
                    connection.execute(f"INSERT INTO {table} BY NAME FROM rows")
            bring_up(connection, "UTC", events_a_step=1)
            assert sessions_up_to(connection).up_to == 3
            little = connection.sql(
                "SELECT * EXCLUDE (run_at) FROM sessions ORDER BY ALL"
            ).fetchall()
        held.warehouse.compact()
        assert held.stored() == little
        held.check()


def follow(empty: Path, deeds: list[Any]) -> None:
    with opened(empty) as held:
        for kind, what in deeds:
            held.do(kind, what)
            if kind == "compact":
                held.check_days()
            held.check()


LINE = [Step(f"l{number}", number * 30) for number in range(100)]


@settings(max_examples=12)
@given(st.lists(DEEDS, min_size=2, max_size=7))
@example([("tell", LINE), ("compact", []), ("retract", ["l0", "l50"]), ("compact", []),
          ("tell", [replace(LINE[50], minute=1490)]), ("compact", [])])  # fmt: skip
def test_sessions_are_what_a_walk_finds(empty: Path, deeds: list[Any]):
    follow(empty, deeds)


@pytest.mark.soak
@settings(max_examples=3_000)
@given(st.lists(DEEDS, min_size=2, max_size=12))
def test_sessions_are_what_a_walk_finds_at_length(empty: Path, deeds: list[Any]):
    follow(empty, deeds)
