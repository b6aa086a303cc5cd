"""Alerts: rules over figures, judged as data comes, and the records that follow from them."""

from analyticspro.alerts.conditions import (
    Against,
    Anomaly,
    Change,
    Condition,
    Is,
    Matching,
    NoData,
    Threshold,
)
from analyticspro.alerts.rule import Only, Rule, Severity, WithoutData
from analyticspro.alerts.rulebook import read_rules, write_rules

__all__ = [
    "Against",
    "Anomaly",
    "Change",
    "Condition",
    "Is",
    "Matching",
    "NoData",
    "Only",
    "Rule",
    "Severity",
    "Threshold",
    "WithoutData",
    "read_rules",
    "write_rules",
]
