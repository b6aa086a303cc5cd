"""Judges rules after commits and by the clock, and writes down what follows, once.

All that a judgement changes is committed in one transaction that counts a turn: whoever has read
an earlier count writes nothing, reads again and judges again. What was told is not told again by
that, so a crash or a second process at any moment loses and doubles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from analyticspro.alerts.figures import Figures
from analyticspro.alerts.looking import Changes, Kept, Shared, look_at
from analyticspro.alerts.recording import open_event, record
from analyticspro.alerts.rule import Rule
from analyticspro.alerts.stored import restored, stored
from analyticspro.errors import RetriableError
from analyticspro.state import AlertTable, State

__all__ = ["Evaluator", "Judged"]

_TRIES = 5


@dataclass(frozen=True)
class Judged:
    """What one look came to.

    Attributes:
        revision: Of the warehouse, up to which all is judged.
        rules: How many were judged; most looks judge none.
        questions: How many the warehouse was asked.
        transitions: How many were written down.
    """

    revision: int
    rules: int = 0
    questions: int = 0
    transitions: int = 0


class Evaluator:
    """Judges the rules of one workspace; used by one thread at a time."""

    def __init__(self, state: State, figures: Figures) -> None:
        self._state = state
        self._figures = figures
        self._turn: int | None = None
        self._rules: dict[int, Kept] = {}

    def look(self, now: datetime) -> Judged:
        """Judge what there is to judge at `now`; what was judged before costs next to nothing.

        Raises:
            RetriableError: The state database does not answer, or others were always faster.
        """
        for _ in range(_TRIES):
            try:
                judged = self._judged(now)
            except BaseException:
                self._turn = None  # what is known here may be more than what was committed
                raise
            if judged is not None:
                return judged
            self._turn = None
        raise RetriableError(
            "The rules were not judged: others changed alerts all the while. It is tried again."
        )

    def _judged(self, now: datetime) -> Judged | None:
        """Return what one try came to; None if another was faster."""
        self._read()
        if not self._rules:
            return Judged(0)
        changes = Changes()
        with self._figures.at(now) as moment:
            shared = Shared(moment)
            for kept in self._rules.values():
                look_at(kept, moment, shared, now, changes)
        if not self._commit(changes, now):
            return None
        transitions = len(changes.told) + len(changes.events)
        return Judged(moment.revision, changes.judged, shared.asked, transitions)

    def _read(self) -> None:
        """Take in rules and states, unless nobody has changed anything since."""
        with self._state.reading() as connection:
            table = AlertTable(connection)
            turn = table.turn()
            if turn == self._turn:
                return
            rows, instances = table.rules(), table.instances()
        self._rules = {row.id: Kept(row, Rule.parse(row.content)) for row in rows}
        for kept in self._rules.values():
            kept.progress = dict(kept.row.progress)
        for rule, series, state in instances:
            if rule in self._rules:
                self._rules[rule].instances[series] = restored(state)
        self._turn = turn

    def _commit(self, changes: Changes, now: datetime) -> bool:
        if not (changes.instances or changes.progress or changes.events):
            return True
        assert self._turn is not None
        with self._state.writing() as connection:
            table = AlertTable(connection)
            if not table.take_turn(self._turn):
                return False
            table.put_instances({key: stored(each) for key, each in changes.instances.items()})
            for kept, series, transition, evidence in changes.told:
                row, rule, turn = kept.row, kept.rule, self._turn
                record(table, row, rule, series, transition, evidence=evidence, turn=turn, now=now)
            for kept, event in changes.events:
                open_event(table, kept.row, kept.rule, event, now=now)
            for number, progress in changes.progress.items():
                table.change_rule(number, progress=progress)
        self._turn += 1
        for (rule_id, series), instance in changes.instances.items():
            self._rules[rule_id].instances[series] = instance
        for number, progress in changes.progress.items():
            self._rules[number].progress = progress
        return True
