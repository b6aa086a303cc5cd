"""Rules: what may be written, what is refused and how, and the file they are kept in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyticspro.alerts import (
    Against,
    Anomaly,
    Change,
    Is,
    Matching,
    NoData,
    Only,
    Rule,
    Severity,
    Threshold,
    WithoutData,
    read_rules,
    write_rules,
)
from analyticspro.alerts.rule import is_judged_running
from analyticspro.analysis.anomaly import Direction, Sensitivity
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.grain import Grain

ABOVE = {"kind": "threshold", "is": ">", "value": 5}
RULE: dict[str, Any] = {"name": "many", "metric": "orders", "when": ABOVE}


def test_what_is_left_out_is_as_by_default():
    rule = Rule.parse(RULE)
    assert rule == Rule(name="many", metric="orders", when=Threshold(Is.ABOVE, 5.0))
    assert rule.plain() == {"name": "many", "metric": "orders", "when": ABOVE}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Too Many"}, "small letters"),
        ({"metric": "orderz"}, "Did you mean 'orders'"),
        ({"metric": None}, "'analyticspro metrics' lists them"),
        ({"grain": "minute"}, "at grain"),
        ({"severty": "info"}, "severty"),
        ({"hold_for": "2 hours"}, "hold_for is '2 hours'. Write a whole number"),
        ({"hold_for": "400d"}, "no more than 366d"),
        ({"by": ["monitor"]}, "orders cannot be cut by monitor. Choose from"),
        ({"by": ["country", "country"]}, "names 'country' twice"),
        ({"where": [{"dimension": "country", "values": []}]}, "names no value"),
        ({"runbook": "javascript:alert(1)"}, "starts with https://"),
        ({"note": "\x1b[2J"}, "note"),
        ({"when": {"kind": "threshhold"}}, "threshhold"),
        ({"when": ABOVE | {"value": "5"}}, "at when.value"),
        ({"when": ABOVE | {"value": float("nan")}}, "finite"),
        ({"when": {"kind": "threshold", "is": "between", "low": 1.0}}, "needs high"),
        ({"when": ABOVE | {"low": 1.0}}, "no use for low"),
        ({"when": {"kind": "threshold", "is": "outside", "low": 2.0, "high": 1.0}}, "low is 2.0"),
        ({"when": {"kind": "change", "is": ">"}}, "one of the two"),
        ({"when": {"kind": "change", "is": "between", "percent": 5.0}}, "cannot be 'between'"),
        ({"when": {"kind": "change", "is": ">", "percent": 5.0, "least": -1.0}}, "least is -1"),
        ({"when": {"kind": "anomaly", "least_change": -1.0}}, "least_change is -1"),
        ({"when": {"kind": "no_data", "within": "0s"}}, "such as 3h"),
        (
            {"when": {"kind": "no_data", "within": "3h"}, "keep_firing_for": "1h"},
            "Leave keep_firing_for out",
        ),
        ({"when": {"kind": "event", "event": "order_placed"}}, "Leave metric out"),
        (
            {"metric": None, "when": {"kind": "event", "event": "x", "number": "amount"}},
            "all of number, is and value",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_its_cure(changes: dict[str, Any], told: str):
    with pytest.raises(DefinitionError) as refused:
        Rule.parse(RULE | changes)
    assert told in str(refused.value)
    assert repr((RULE | changes)["name"]) in str(refused.value)


def test_an_unknown_metric_keeps_its_kind_of_error():
    with pytest.raises(UnknownName):
        Rule.parse(RULE | {"metric": "orderz"})


TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S"), include_characters=' "\\\n'), max_size=20
)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True)
NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
SIZES = st.floats(0, 1e9)
ONE_SIDED = st.sampled_from([Is.ABOVE, Is.AT_LEAST, Is.BELOW, Is.AT_MOST])
SPANS = st.integers(0, 86_400).map(lambda seconds: timedelta(seconds=seconds))
CONDITIONS = st.one_of(
    st.builds(Threshold, ONE_SIDED, NUMBERS),
    st.tuples(st.sampled_from([Is.BETWEEN, Is.OUTSIDE]), NUMBERS, SIZES).map(
        lambda of: Threshold(of[0], low=of[1], high=of[1] + of[2])
    ),
    st.builds(Change, ONE_SIDED, percent=NUMBERS, least=SIZES, against=st.sampled_from(Against)),
    st.builds(Change, ONE_SIDED, absolute=NUMBERS, against=st.sampled_from(Against)),
    st.builds(Anomaly, st.sampled_from(Sensitivity), st.sampled_from(Direction), SIZES, SIZES),
    st.builds(NoData, SPANS.filter(bool)),
)
FILTERS = st.lists(
    st.builds(Only, st.just("country"), st.lists(TEXT, min_size=1, max_size=2).map(tuple)),
    max_size=2,
).map(tuple)
RULES = st.builds(
    Rule,
    name=NAMES,
    metric=st.sampled_from(["orders", "revenue"]),
    when=CONDITIONS,
    grain=st.sampled_from(Grain),
    by=st.sampled_from([(), ("country",), ("country", "plan")]),
    where=FILTERS,
    hold_for=SPANS,
    without_data=st.sampled_from(WithoutData),
    severity=st.sampled_from(Severity),
    routes=st.lists(NAMES, unique=True, max_size=3).map(tuple),
    note=TEXT,
    paused=st.booleans(),
)
EVENTS = st.builds(
    Rule, name=NAMES, when=st.builds(Matching, TEXT, st.just("amount"), ONE_SIDED, NUMBERS)
)


@given(st.lists(st.one_of(RULES, EVENTS), unique_by=lambda rule: rule.name, max_size=4))
def test_a_file_of_rules_goes_around(rules: list[Rule]):
    text = write_rules(rules)
    assert list(read_rules(text)) == sorted(rules, key=lambda rule: rule.name)
    assert write_rules(read_rules(text)) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rules", "not TOML"),
        ("[[rule]]\nname='a'", "'rule', which is not known"),
        ("rules = 3", "no list"),
        ("rules = [3]", "Rule None"),
    ],
)
def test_a_file_of_something_else_is_refused(text: str, told: str):
    with pytest.raises(DefinitionError, match=told):
        read_rules(text)


def test_two_rules_of_one_name_are_refused():
    rule = write_rules([Rule.parse(RULE)])
    with pytest.raises(DefinitionError, match="Two rules are called 'many'"):
        read_rules(rule + rule)


@pytest.mark.parametrize(
    ("op", "limits", "value", "breached"),
    [
        (Is.ABOVE, {"value": 5}, 5, False),
        (Is.AT_LEAST, {"value": 5}, 5, True),
        (Is.BELOW, {"value": 5}, 5, False),
        (Is.AT_MOST, {"value": 5}, 5, True),
        (Is.BETWEEN, {"low": 1, "high": 5}, 5, True),
        (Is.OUTSIDE, {"low": 1, "high": 5}, 5, False),
        (Is.OUTSIDE, {"low": 1, "high": 5}, 0, True),
    ],
)
def test_a_threshold_takes_its_limit_in_or_not(op: Is, limits: Any, value: float, breached: bool):
    assert Threshold(op, **limits).breached(value) is breached


@pytest.mark.parametrize(
    ("change", "value", "before", "breached"),
    [
        (Change(Is.ABOVE, percent=50.0), 150, 100, False),
        (Change(Is.AT_LEAST, percent=50.0), 150, 100, True),
        (Change(Is.ABOVE, percent=50.0), 1, 0, True),
        (Change(Is.ABOVE, percent=50.0, least=2.0), 1, 0, False),
        (Change(Is.ABOVE, percent=50.0), 0, 0, False),
        (Change(Is.BELOW, percent=-50.0), 40, 100, True),
        (Change(Is.BELOW, percent=-50.0), -200, -100, True),
        (Change(Is.BELOW, absolute=-30.0), 71, 100, False),
    ],
)
def test_a_change_is_measured_against_the_value_before(
    change: Change, value: float, before: float, breached: bool
):
    assert change.breached(value, before) is breached


@pytest.mark.parametrize(
    ("metric", "op", "running"),
    [
        ("orders", ">", True),
        ("orders", ">=", True),
        ("orders", "<", False),
        ("revenue", ">", False),
        ("average_order_value", ">", False),
    ],
)
def test_only_an_upper_limit_of_a_count_is_judged_before_the_bucket_is_over(
    metric: str, op: str, running: bool
):
    rule = Rule.parse({"name": "a", "metric": metric, "when": ABOVE | {"is": op}})
    assert is_judged_running(rule) is running
