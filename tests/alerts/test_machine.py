"""The machine of an alert, against a walk by hand; late data, catching up, restarts anywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.alerts.machine import REMEMBERED, Delays, Instance, Kind, Phase, Reading
from analyticspro.alerts.stored import restored, stored

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARKS = {".": False, "!": True, "?": None}
LETTERS = {
    Phase.INACTIVE: "i",
    Phase.PENDING: "p",
    Phase.FIRING: "f",
    Phase.RECOVERING: "r",
}
TWO = Delays(2 * HOUR, 2 * HOUR)


def reading(number: int, mark: str, **more: Any) -> Reading:
    start = START + number * HOUR
    return Reading(start, start + HOUR, MARKS[mark], float(number), **more)


def restarted(instance: Instance) -> Instance:
    return restored(json.loads(json.dumps(stored(instance))))


@pytest.mark.parametrize(
    ("marks", "states"),
    [
        pytest.param("..!!!!", "iippff", id="fires once the breach has held"),
        pytest.param("!.!.!.", "pipipi", id="a flicker never fires"),
        pytest.param("!!!...", "ppfrri", id="resolves once calm has held"),
        pytest.param("!!!.!.", "ppfrfr", id="a breach while recovering fires on"),
        pytest.param("!!!???", "ppffff", id="no data is not recovery"),
        pytest.param("!??", "ppp", id="no data is no breach"),
        pytest.param("!?!", "ppf", id="no data ends no breach"),
        pytest.param("???", "iii", id="no data is nothing"),
    ],
)
def test_an_alert_follows_its_readings(marks: str, states: str):
    instance, seen = Instance(), ""
    for number, mark in enumerate(marks):
        instance, _ = instance.judged([reading(number, mark)], TWO)
        seen += LETTERS[instance.standing.phase]
    assert seen == states


def test_without_delays_it_fires_and_resolves_at_once():
    instance, told = Instance().judged([reading(n, m) for n, m in enumerate("!.!")], Delays())
    assert [each.kind for each in told] == [Kind.FIRED, Kind.RESOLVED, Kind.FIRED]
    assert instance.standing.phase is Phase.FIRING


@dataclass
class Walk:
    """The same by hand: all marks as they are known, and what a person would have been told."""

    hold: int
    keep: int
    marks: list[str] = field(default_factory=list)
    told: list[tuple[str, int, bool]] = field(default_factory=list)

    def letters(self) -> str:
        """Count hours, as one would on paper."""
        found, letter, breach, calm = "", "i", -1, -1
        for hour, mark in enumerate(self.marks):
            if mark == "!":
                calm = -1
                breach = hour if breach < 0 else breach
                letter = "f" if letter in "fr" or hour - breach >= self.hold else "p"
            elif mark == ".":
                breach = -1
                if letter in "fr":
                    calm = hour if calm < 0 else calm
                    letter = "i" if hour - calm >= self.keep else "r"
                else:
                    letter = "i"
                if letter == "i":
                    calm = -1
            found += letter
        return found

    def take(self, hour: int, mark: str) -> None:
        before = self.letters()
        if hour == len(self.marks):
            self.marks.append(mark)
            was = before[-1] if before else "i"
            self.edge(was, self.letters()[-1], hour, is_late=False)
            return
        if self.marks[hour] == mark:
            return
        self.marks[hour] = mark
        self.told.append(("rejudged", hour, True))
        after = self.letters()
        for start, end in stretches(after):
            if end < len(after) and not set(before[start : end + 1]) & set("fr"):
                self.told += [("fired", start, True), ("resolved", end, True)]
        self.edge(before[-1], after[-1], len(after) - 1, is_late=True)

    def edge(self, was: str, now: str, hour: int, *, is_late: bool) -> None:
        if was not in "fr" and now in "fr":
            self.told.append(("fired", hour, is_late))
        if was in "fr" and now not in "fr":
            self.told.append(("resolved", hour, is_late))


def stretches(letters: str) -> list[tuple[int, int]]:
    """Return from when to when (exclusive) each alert was active."""
    active = "".join("x" if letter in "fr" else " " for letter in letters)
    found, hour = [], 0
    while (start := active.find("x", hour)) >= 0:
        hour = active.find(" ", start)
        hour = len(active) if hour < 0 else hour
        found.append((start, hour))
    return found


STEPS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 30)), st.sampled_from("..!!?")), max_size=40
)


@given(STEPS, st.integers(0, 3), st.integers(0, 3), st.sets(st.integers(0, 40)))
def test_it_is_the_walk_by_hand(
    steps: list[tuple[int | None, str]], hold: int, keep: int, restarts: set[int]
):
    walk, instance, told = Walk(hold, keep), Instance(), []
    delays = Delays(hold * HOUR, keep * HOUR)
    for number, (late, mark) in enumerate(steps):
        hour = len(walk.marks) if late is None else min(late, len(walk.marks))
        walk.take(hour, mark)
        instance, more = instance.judged([reading(hour, mark)], delays)
        told += more
        if number in restarts:
            instance = restarted(instance)
        assert LETTERS[instance.standing.phase] == (walk.letters() or "i")[-1]
    assert [(t.kind.value, round((t.bucket - START) / HOUR), t.is_late) for t in told] == walk.told


@given(st.text("..!!?", max_size=120), st.integers(0, 3), st.integers(0, 3), st.integers(1, 60))
def test_catching_up_is_as_if_it_had_never_stood_still(marks: str, hold: int, keep: int, size: int):
    delays = Delays(hold * HOUR, keep * HOUR)
    whole = [reading(number, mark) for number, mark in enumerate(marks)]
    one, told = Instance(), []
    for each in whole:
        one, more = one.judged([each], delays)
        told += more
    several, at_once = Instance(), []
    for first in range(0, len(whole), size):
        several, more = restarted(several).judged(whole[first : first + size], delays)
        at_once += more
    assert (several, at_once) == (one, told)


@given(st.text("..!!?", max_size=30), st.integers(0, 3))
def test_what_was_told_is_not_told_again(marks: str, keep: int):
    """A commit that was judged, and not noted before a crash, is judged once more."""
    delays, whole = Delays(HOUR, keep * HOUR), [reading(n, mark) for n, mark in enumerate(marks)]
    instance, _ = Instance().judged(whole, delays)
    assert instance.judged(whole, delays) == (instance, ())


def test_a_running_bucket_fires_when_its_breach_has_held():
    start = START + HOUR
    looks = [start + timedelta(minutes=minutes) for minutes in (10, 20, 45)]
    instance, told = Instance().judged([reading(0, ".")], Delays(timedelta(minutes=30)))
    for look in looks:
        running = Reading(start, look, True, 7.0, is_whole=False)
        instance, more = instance.judged([running], Delays(timedelta(minutes=30)))
        told += more
    [fired] = told
    assert (fired.kind, fired.at, fired.is_late) == (Kind.FIRED, looks[-1], False)
    whole, more = instance.judged([reading(1, "!")], Delays(timedelta(minutes=30)))
    assert (more, whole.standing.phase) == ((), Phase.FIRING)


def test_data_older_than_what_is_remembered_changes_nothing():
    count = REMEMBERED + 10
    instance, _ = Instance().judged([reading(n, ".") for n in range(count)], Delays())
    assert len(instance.readings) == REMEMBERED
    assert instance.judged([reading(3, "!")], Delays()) == (instance, ())
    _, told = instance.judged([reading(count - 1, "!")], Delays())
    assert [each.kind for each in told] == [Kind.REJUDGED, Kind.FIRED]
