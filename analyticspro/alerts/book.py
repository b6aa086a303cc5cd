"""What persons do with rules and alerts. Each change is kept with who made it, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from analyticspro.alerts.rule import Rule
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.state import Alert, AlertState, AlertTable, Entry, RuleRow, Silence, State

__all__ = ["Action", "AlertBook", "Imported"]

_LONGEST = timedelta(days=90)
_MOST_TEXT = 4_000
_TOLD = ("severity", "routes", "note", "runbook")  # what changes nothing of how it is judged


class Action(StrEnum):
    """What is done with a record."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    SNOOZE = "snooze"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Imported:
    """What became of the rules of a file, by name."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


class AlertBook:
    """The rules and alerts of a state database."""

    def __init__(self, state: State) -> None:
        self._state = state

    def rules(self) -> list[tuple[RuleRow, Rule]]:
        """Return all rules, by name."""
        with self._state.reading() as connection:
            return [(row, Rule.parse(row.content)) for row in AlertTable(connection).rules()]

    def put(
        self, rules: Iterable[Rule], *, who: str, now: datetime, prune: bool = False
    ) -> Imported:
        """Make these the rules of their names, all or none; the same again changes nothing.

        A rule that is judged otherwise from now on begins anew: its alerts that are not resolved
        are, and say why.

        Args:
            rules: What there shall be.
            who: Who wants it.
            now: UTC.
            prune: Also remove the rules that are not among them.
        """
        found: dict[str, list[str]] = {"added": [], "changed": [], "removed": [], "unchanged": []}
        with self._state.writing() as connection:
            table = AlertTable(connection)
            table.count_turn()  # first, so that whoever changes rules waits for the other
            known = {row.name: row for row in table.rules()}
            wanted = {rule.name: rule for rule in rules}
            for name, rule in wanted.items():
                found[_put(table, known.get(name), rule, who, now)].append(name)
            for name in known.keys() - wanted.keys() if prune else ():
                _remove(table, known[name], who, now)
                found["removed"].append(name)
        return Imported(**{kind: tuple(sorted(names)) for kind, names in found.items()})

    def remove(self, name: str, *, who: str, now: datetime) -> None:
        """Take a rule away; its alerts are resolved and stay to be read."""
        with self._state.writing() as connection:
            table = AlertTable(connection)
            table.count_turn()
            known = {row.name: row for row in table.rules()}
            if name not in known:
                raise UnknownName.of("rule", name, known)
            _remove(table, known[name], who, now)

    def alerts(
        self, states: Sequence[AlertState] = tuple(AlertState), *, limit: int = 100
    ) -> list[Alert]:
        """Return the newest alerts in these states, the newest first."""
        with self._state.reading() as connection:
            return AlertTable(connection).alerts(states, limit=limit)

    def show(self, number: int) -> tuple[Alert, list[Entry]]:
        """Return an alert and its log; raises UnknownName."""
        with self._state.reading() as connection:
            table = AlertTable(connection)
            return _there(table, number), table.entries(number)

    def act(
        self,
        numbers: Iterable[int],
        action: Action,
        *,
        who: str,
        now: datetime,
        text: str = "",
        until: datetime | None = None,
    ) -> list[Alert]:
        """Do something with alerts, with all or none.

        Acknowledging or resolving one that is so already changes nothing, and is not logged.

        Args:
            numbers: Which.
            action: What.
            who: Who does it.
            now: UTC.
            text: The comment, or why; of ASSIGN, to whom: nobody if it is empty.
            until: Of SNOOZE.

        Raises:
            UnknownName: One is not there.
            DefinitionError: A comment without text, or a snooze without a time to come.
        """
        _check(action, text, until, now)
        with self._state.writing() as connection:
            table = AlertTable(connection)
            for number in dict.fromkeys(numbers):
                _act(table, _there(table, number), action, text, until, who, now)
            return [_there(table, number) for number in dict.fromkeys(numbers)]

    def silence(
        self, matcher: dict[str, Any], *, lasts: timedelta, reason: str, who: str, now: datetime
    ) -> int:
        """Let nobody be told of alerts that match; they fire and are logged nevertheless.

        Args:
            matcher: `rule`, `severity` and `series` (dimension → value); an alert must agree in
                all that are there. One that is empty matches everything, and is refused.
            lasts: How long, at most 90 days.
            reason: Why, for whoever wonders.
            who: Who wants it.
            now: UTC.
        """
        unknown = matcher.keys() - {"rule", "severity", "series"}
        if unknown or not matcher:
            raise DefinitionError(
                f"A silence that matches {matcher!r} is refused. Give rule, severity or series "
                "(dimension and value)."
            )
        if not timedelta(0) < lasts <= _LONGEST:
            raise DefinitionError(f"A silence of {lasts} is refused. It lasts up to 90 days.")
        _check_text(reason, "the reason of a silence")
        with self._state.writing() as connection:
            return AlertTable(connection).add_silence(
                matcher=matcher, reason=reason, made_by=who, starts_at=now, ends_at=now + lasts
            )

    def silences(self, now: datetime) -> list[Silence]:
        """Return the silences that hold at `now`."""
        with self._state.reading() as connection:
            return AlertTable(connection).silences(now)


def _put(table: AlertTable, row: RuleRow | None, rule: Rule, who: str, now: datetime) -> str:
    content = rule.plain()
    if row is None:
        number = table.add_rule(rule.name, content, now=now)
        table.note_rule(number, "added", {}, content, who=who, now=now)
        return "added"
    if row.content == content:
        return "unchanged"
    values: dict[str, Any] = {}
    if _judged(row.content) != _judged(content):
        table.forget(row.id)
        values["progress"] = {}
        _resolve_all(table, row, "its rule was changed", who, now)
    table.change_rule(row.id, content=content, version=row.version + 1, changed_at=now, **values)
    table.note_rule(row.id, "changed", row.content, content, who=who, now=now)
    return "changed"


def _judged(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in _TOLD}


def _remove(table: AlertTable, row: RuleRow, who: str, now: datetime) -> None:
    table.forget(row.id)
    _resolve_all(table, row, "its rule was removed", who, now)
    table.change_rule(row.id, removed_at=now)
    table.note_rule(row.id, "removed", row.content, {}, who=who, now=now)


def _resolve_all(table: AlertTable, row: RuleRow, why: str, who: str, now: datetime) -> None:
    for alert in table.unresolved(row.id):
        _act(table, alert, Action.RESOLVE, why, None, who, now)


def _there(table: AlertTable, number: int) -> Alert:
    found = table.alert(number)
    if found is None:
        raise UnknownName(f"No alert {number}. 'analyticspro alerts list' shows which there are.")
    return found


def _check(action: Action, text: str, until: datetime | None, now: datetime) -> None:
    if action is Action.COMMENT:
        _check_text(text, "a comment")
    if len(text) > _MOST_TEXT:
        raise DefinitionError(f"A text of {len(text):,} letters; {_MOST_TEXT:,} is the most.")
    if action is Action.SNOOZE and (until is None or not now < until <= now + _LONGEST):
        raise DefinitionError("Say until when it is snoozed, up to 90 days from now.")


def _check_text(text: str, what: str) -> None:
    if not text.strip() or len(text) > _MOST_TEXT:
        raise DefinitionError(f"Write {what}: 1 to {_MOST_TEXT:,} letters.")


def _act(
    table: AlertTable,
    alert: Alert,
    action: Action,
    text: str,
    until: datetime | None,
    who: str,
    now: datetime,
) -> None:
    detail: dict[str, Any] = {"text": text} if text else {}
    match action:
        case Action.ACKNOWLEDGE:
            if alert.state is not AlertState.OPEN:
                return
            table.change_alert(alert.id, state=AlertState.ACKNOWLEDGED)
        case Action.ASSIGN:
            table.change_alert(alert.id, assignee=text or None)
            detail = {"to": text or None}
        case Action.SNOOZE:
            assert until is not None
            table.change_alert(alert.id, snoozed_until=until)
            detail["until"] = until.isoformat()
        case Action.RESOLVE:
            if alert.state is AlertState.RESOLVED:
                return
            table.change_alert(alert.id, state=AlertState.RESOLVED, resolved_at=now)
    table.log(alert.id, action.value, detail, who=who, now=now)
