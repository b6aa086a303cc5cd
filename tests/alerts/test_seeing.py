"""Nobody is shown an alert of a figure that they may not see whole."""

from __future__ import annotations

from typing import Any

import pytest

from analyticspro.alerts import Rule
from analyticspro.alerts.seeing import Sight
from analyticspro.errors import Forbidden
from analyticspro.policy import OWNER, Grant, RowFilter, Scope

REVENUE = Grant(frozenset({"revenue"}))
ABOVE = {"kind": "threshold", "is": ">", "value": 5}
LARGE = {"kind": "event", "event": "order_placed", "number": "amount", "is": ">", "value": 5}
OF_EVENTS: dict[str, Any] = {"metric": None, "when": LARGE}


def sees(*grants: Grant, **changes: Any) -> bool:
    rule = Rule.parse({"name": "a", "metric": "revenue", "when": ABOVE} | changes)
    scope = Scope("ada", grants)
    sight = Sight(scope, lambda _: (frozenset(), True), lambda *_: frozenset({"health"}))
    shown = sight.of_rule(rule)
    if not shown:
        with pytest.raises(Forbidden):
            sight.check(rule)
    return shown


def test_a_figure_takes_its_tags():
    assert sees(REVENUE)
    assert not sees(Grant(frozenset({"health"})))
    assert not sees()


def test_a_part_of_the_rows_is_not_the_figure():
    some = Grant(frozenset({"revenue"}), (RowFilter.parse("country=US"),))
    assert not sees(some)
    only = [{"dimension": "country", "values": ["US"]}]
    assert not sees(some, where=only)
    assert sees(some, REVENUE)


def test_events_are_records_and_aggregates_are_not_enough():
    assert sees(REVENUE, **OF_EVENTS)
    assert not sees(Grant(frozenset({"revenue"}), aggregates_only=True), **OF_EVENTS)
    assert not sees(REVENUE, metric=None, when=LARGE | {"number": "heart_rate"})


def test_what_the_audit_log_tells_is_for_who_reads_it():
    denied: dict[str, Any] = {"metric": None, "when": {"kind": "event", "event": "audit_denied"}}
    assert not sees(REVENUE, **denied)
    assert sees(Grant(frozenset({"security"})), **denied)


def test_the_owner_sees_everything():
    assert sees(*OWNER.grants)
