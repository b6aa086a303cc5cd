"""From a commit to a record: which rules are judged, what is written down, and how often."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from analyticspro import clock
from analyticspro.alerts import Rule
from analyticspro.alerts.book import Action, AlertBook
from analyticspro.alerts.evaluator import Evaluator, Judged
from analyticspro.alerts.figures import Figures
from analyticspro.config import Settings
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.state import Alert, AlertState, AlertTable, State
from tests.metrics.shop import PLACED, VIEWED, Happening, Shop, told

HOUR = timedelta(hours=1)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
FEW = {"kind": "threshold", "is": "<", "value": 2}
MANY = {"kind": "threshold", "is": ">=", "value": 3}


@dataclass
class Scene:
    """A shop that is watched."""

    shop: Shop
    state: State
    evaluator: Evaluator
    happened: list[Happening]

    @property
    def book(self) -> AlertBook:
        return AlertBook(self.state)

    def rule(self, name: str, when: dict[str, Any], **more: Any) -> Rule:
        metric = {} if when["kind"] == "event" else {"metric": "orders"}
        rule = Rule.parse({"name": name, "when": when, **metric, **more})
        self.book.put([rule], who="ada", now=DAY)
        return rule

    def orders(self, *times: str, country: str = "France", amount: str = "10.00") -> None:
        for time in times:
            number = len(self.happened)
            self.happened.append(
                told(
                    f"2026-03-02 {time}",
                    PLACED,
                    amount,
                    order=f"o{number}",
                    country=country,
                    id=f"e{number}",
                )
            )
        self.shop.holds(self.happened)

    def look(self, time: str) -> Judged:
        return self.evaluator.look(datetime.fromisoformat(f"2026-03-02T{time}Z"))

    def logs(self) -> list[list[str]]:
        found = reversed(self.book.alerts())
        return [[entry.action for entry in self.book.show(alert.id)[1]] for alert in found]

    def restart(self) -> None:
        figures = Figures(self.shop.warehouse, Settings(currency="GBP"))
        self.evaluator = Evaluator(self.state, figures)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Shop.at(tmp_path) as shop, State.open(tmp_path / "state.db") as state:
        figures = Figures(shop.warehouse, Settings(currency="GBP"))
        yield Scene(shop, state, Evaluator(state, figures), [])


def test_a_breach_opens_a_record_and_calm_resolves_it(scene: Scene):
    scene.rule("few", FEW, routes=["ops", "shop"])
    scene.orders("08:10", "08:20", "09:10", "10:01")
    assert scene.look("10:02").transitions == 1
    [alert] = scene.book.alerts()
    assert (alert.rule, alert.rule_version, alert.series) == ("few", 1, "[]")
    assert (alert.state, alert.value, alert.fired_at) == (AlertState.OPEN, 1.0, DAY + 10 * HOUR)
    assert alert.evidence["condition"] == FEW
    scene.orders("10:30", "11:00")
    assert scene.look("11:05").transitions == 1
    assert scene.book.alerts()[0].state is AlertState.RESOLVED
    assert scene.logs() == [["fired", "resolved"]]
    with scene.state.reading() as connection:
        notices = AlertTable(connection).notices()
    assert [(n.route, n.kind) for n in notices] == [
        ("ops", "fired"), ("shop", "fired"), ("ops", "resolved"), ("shop", "resolved"),
    ]  # fmt: skip


def test_a_bucket_without_events_is_nothing_and_so_a_breach(scene: Scene):
    scene.rule("few", FEW)
    scene.orders("08:10", "08:20")
    scene.look("09:00")
    scene.orders("10:00")
    scene.look("10:05")
    [alert] = scene.book.alerts()
    assert (alert.value, alert.fired_at) == (0.0, DAY + 10 * HOUR)


def test_a_rule_waits_for_its_data_and_says_so(scene: Scene):
    scene.rule("few", FEW)
    scene.orders("08:10", "08:20", "08:59")
    scene.look("13:20")
    assert scene.book.alerts() == []
    [(row, _)] = scene.book.rules()
    assert row.progress["waiting"] == "waiting for shop since 2026-03-02 09:00 UTC"


def test_late_data_is_judged_again_and_says_so(scene: Scene):
    scene.rule("few", FEW)
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    scene.orders("08:40")
    scene.look("09:02")
    [alert] = scene.book.alerts()
    assert (alert.state, scene.logs()) == (AlertState.RESOLVED, [["fired", "rejudged", "resolved"]])
    rejudged = scene.book.show(alert.id)[1][1]
    assert (rejudged.detail["before"], rejudged.detail["value"]) == (1.0, 2.0)
    assert rejudged.detail["late"] is True


def test_an_upper_limit_of_a_count_does_not_wait_for_the_end(scene: Scene):
    scene.rule("many", MANY)
    scene.orders("08:10")
    scene.look("08:11")
    scene.orders("08:12", "08:13")
    scene.look("08:14")
    [alert] = scene.book.alerts()
    assert (alert.value, alert.fired_at) == (3.0, DAY + timedelta(hours=8, minutes=14))
    scene.orders("08:30", "09:00")
    scene.look("09:01")
    assert scene.logs() == [["fired"]]
    scene.orders("10:00")
    scene.look("10:01")
    assert scene.logs() == [["fired", "resolved"]]


def test_each_series_has_an_alert_of_its_own(scene: Scene):
    scene.rule("few", FEW, by=["country"])
    scene.orders("08:10", "08:20", "09:00")
    scene.orders("08:10", country="Spain")
    scene.look("09:01")
    assert [alert.series for alert in scene.book.alerts()] == ['["Spain"]']
    assert scene.logs() == [["fired"]]


def test_rules_over_one_figure_share_a_question_and_others_cost_none(scene: Scene):
    for number in range(20):
        scene.rule(f"few-{number}", FEW | {"value": number})
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    scene.orders("09:10")  # in a bucket that is not over
    assert (scene.look("09:10").rules, scene.look("09:10").questions) == (0, 0)
    scene.orders("08:40")
    touched = scene.look("09:11")
    assert (touched.rules, touched.questions) == (20, 2)
    scene.happened.append(told("2026-03-02 09:12", VIEWED, user="u1", id="view"))
    scene.shop.holds(scene.happened)
    untouched = scene.look("09:13")
    assert (untouched.rules, untouched.questions) == (0, 1)
    assert scene.look("09:14").questions == 0


def test_silence_of_the_data_is_an_alert_by_the_clock(scene: Scene):
    scene.rule("still", {"kind": "no_data", "within": "2h"})
    scene.orders("08:10")
    assert scene.look("10:09").transitions == 0
    assert scene.look("10:10").transitions == 1
    assert scene.look("12:00").transitions == 0
    scene.orders("12:30")
    scene.look("12:31")
    assert scene.logs() == [["fired", "resolved"]]
    scene.rule("still-here", {"kind": "no_data", "within": "2h"}, by=["country"])
    scene.orders("12:40", country="Spain")
    scene.look("14:35")
    assert ("still-here", '["France"]') in {(a.rule, a.series) for a in scene.book.alerts()}


def test_a_change_is_against_the_bucket_before(scene: Scene):
    scene.rule("halved", {"kind": "change", "is": "<=", "percent": -50})
    scene.orders("08:10", "08:20", "09:10", "09:15", "10:10", "11:00")
    scene.look("11:01")
    [alert] = scene.book.alerts()
    assert (alert.value, alert.evidence["before"]) == (1.0, 2.0)


def test_each_matching_event_opens_one_record(scene: Scene):
    large = {"kind": "event", "event": PLACED, "number": "amount", "is": ">", "value": 500}
    scene.orders("08:10", amount="900.00")  # what was there before the rule is not news
    rule = Rule.parse({"name": "large", "when": large, "severity": "info"})
    scene.book.put([rule], who="ada", now=clock.now())
    scene.orders("08:20", "08:21", amount="500.01")
    scene.orders("08:22", amount="500.00")
    scene.look("08:23")
    scene.orders("08:24", amount="600.00")
    scene.restart()
    scene.look("08:25")
    found = scene.book.alerts()
    assert [(a.value, a.severity) for a in found] == [
        (600.0, "info"), (500.01, "info"), (500.01, "info"),
    ]  # fmt: skip
    assert {a.series for a in found} == {f'["shop", "e{number}"]' for number in (1, 2, 4)}


def test_a_rule_that_cannot_be_judged_says_why_and_spares_the_others(scene: Scene):
    scene.rule("in-france", FEW, where=[{"dimension": "country", "values": ["Frence"]}])
    scene.rule("few", FEW)
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    problems = {row.name: row.progress.get("problem") for row, _ in scene.book.rules()}
    assert problems["few"] is None
    assert "Did you mean 'France'" in str(problems["in-france"])
    assert [alert.rule for alert in scene.book.alerts()] == ["few"]


def test_a_rule_that_begins_knows_what_has_held_already(scene: Scene):
    scene.orders("05:00", "05:10", "06:10", "07:10", "08:10", "09:00")
    scene.rule("few", FEW, hold_for="2h")
    scene.look("09:01")
    [alert] = scene.book.alerts()
    assert alert.fired_at == DAY + 9 * HOUR


def test_two_that_judge_at_once_write_everything_once(scene: Scene):
    scene.rule("few", FEW)
    scene.orders("08:10", "08:20", "09:00")
    other = Evaluator(scene.state, Figures(scene.shop.warehouse, Settings(currency="GBP")))
    scene.look("09:01")
    other.look(DAY + 9 * HOUR)
    scene.orders("10:00")
    assert scene.look("10:01").transitions == 1
    assert other.look(DAY + 10 * HOUR).transitions == 0
    scene.orders("10:01", "11:00")
    assert other.look(DAY + 11 * HOUR).transitions == 1
    assert scene.look("11:01").transitions == 0
    assert scene.logs() == [["fired", "resolved"]]


def test_a_rule_that_is_judged_otherwise_begins_anew(scene: Scene):
    scene.rule("few", FEW)
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    scene.rule("few", FEW, note="Call the shop.")
    assert scene.book.alerts()[0].state is AlertState.OPEN
    scene.rule("few", FEW | {"value": 1})
    [alert] = scene.book.alerts()
    assert (alert.state, scene.book.rules()[0][0].version) == (AlertState.RESOLVED, 3)
    assert scene.book.show(alert.id)[1][-1].detail == {"text": "its rule was changed"}
    assert scene.look("09:02").transitions == 0


@pytest.fixture
def alert(scene: Scene) -> Alert:
    scene.rule("few", FEW, routes=["ops"])
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    return scene.book.alerts()[0]


def test_what_persons_do_is_in_the_log(scene: Scene, alert: Alert):
    now = DAY + 10 * HOUR
    for action, more in (
        (Action.ACKNOWLEDGE, {}),
        (Action.ACKNOWLEDGE, {}),
        (Action.ASSIGN, {"text": "bob"}),
        (Action.COMMENT, {"text": "The till is broken."}),
        (Action.SNOOZE, {"until": now + HOUR}),
        (Action.RESOLVE, {"text": "Mended."}),
        (Action.RESOLVE, {}),
    ):
        [after] = scene.book.act([alert.id], action, who="ada", now=now, **more)
    assert (after.state, after.assignee) == (AlertState.RESOLVED, "bob")
    log = scene.book.show(alert.id)[1]
    assert [(entry.who, entry.action) for entry in log] == [
        ("analyticspro", "fired"),
        *(("ada", each) for each in ("acknowledge", "assign", "comment", "snooze", "resolve")),
    ]


def test_bulk_is_all_or_none(scene: Scene, alert: Alert):
    with pytest.raises(UnknownName, match="No alert 99"):
        scene.book.act([alert.id, 99], Action.RESOLVE, who="ada", now=DAY)
    assert scene.book.alerts()[0].state is AlertState.OPEN


def test_the_log_cannot_be_rewritten(scene: Scene, alert: Alert):
    for statement in ("UPDATE alert_entries SET who = 'eve'", "DELETE FROM alert_entries"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            scene.state._engine.begin() as connection,
        ):
            connection.execute(text(statement))
    assert len(scene.book.show(alert.id)[1]) == 1


def test_a_silence_lets_it_fire_and_tells_nobody(scene: Scene):
    now = DAY + 8 * HOUR
    scene.book.silence({"rule": "few"}, lasts=5 * HOUR, reason="moving", who="ada", now=now)
    scene.rule("few", FEW, routes=["ops"])
    scene.orders("08:10", "09:00")
    scene.look("09:01")
    assert scene.logs() == [["fired", "silenced"]]
    with scene.state.reading() as connection:
        assert AlertTable(connection).notices() == []
    with pytest.raises(DefinitionError, match="is refused"):
        scene.book.silence({}, lasts=HOUR, reason="all", who="ada", now=now)


def test_the_same_rules_again_change_nothing(scene: Scene):
    rules = [Rule.parse({"name": n, "metric": "orders", "when": FEW}) for n in ("a", "b")]
    first = scene.book.put(rules, who="ada", now=DAY)
    assert (first.added, scene.book.put(rules, who="ada", now=DAY).unchanged) == (("a", "b"),) * 2
    pruned = scene.book.put(rules[:1], who="ada", now=DAY, prune=True)
    assert (pruned.removed, [row.name for row, _ in scene.book.rules()]) == (("b",), ["a"])


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, kills: int):
    folder = tmp_path / "home"
    folder.mkdir()
    for number in range(kills):
        judge = subprocess.Popen(
            [sys.executable, "-m", "tests.alerts.judging_process", str(folder)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert judge.stdout is not None
        for _ in range(2 + number % 5):
            judge.stdout.readline()
        judge.kill()
        judge.wait()
        judge.stdout.close()
    with Shop.at(folder) as shop, State.open(folder / "state.db") as state:
        from tests.alerts.judging_process import HOURS, judged_to_the_end

        book = judged_to_the_end(shop, state)
        alerts = sorted(book.alerts(limit=1_000), key=lambda alert: alert.fired_at)
        assert [alert.fired_at for alert in alerts] == [
            DAY + (hour + 1) * HOUR for hour in range(1, HOURS, 2)
        ]
        for found in alerts[:-1]:
            actions = [entry.action for entry in book.show(found.id)[1]]
            assert actions == ["fired", "resolved"]
