"""Who may see which alerts: those of figures of which they may see every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analyticspro.alerts.conditions import Matching
from analyticspro.alerts.rule import Rule
from analyticspro.errors import AnalyticsProError, Forbidden, UnknownName
from analyticspro.events import AUDIT
from analyticspro.metrics import catalog
from analyticspro.policy import Scope, Tag
from analyticspro.state import Alert

__all__ = ["Sight"]

DimensionTags = Callable[[str], tuple[frozenset[str], bool]]
PropertyTags = Callable[[str, str], frozenset[str]]


class Sight:
    """What a scope may see of rules and alerts.

    An alert tells a figure that was made of all rows. Whoever sees some of them only, if only the
    very rows of its series, is not shown it: to tell which series is theirs would tell of others.
    """

    def __init__(self, scope: Scope, dimension: DimensionTags, prop: PropertyTags) -> None:
        self._scope = scope
        self._dimension = dimension
        self._property = prop
        self._known: dict[Rule, bool] = {}

    def check(self, rule: Rule) -> None:
        """Raise Forbidden if the rule is about what the scope may not see whole."""
        if self._scope.is_unlimited:
            return
        if isinstance(rule.when, Matching):
            tags = self._event_tags(rule.when, rule)
            self._scope.explain_field(f"The event {rule.when.event}", tags).enforce()
            is_all = self._scope.records(tags).is_all
        else:
            tags, declared = self._figure_tags(rule)
            what = f"{rule.metric} by {', '.join(rule.by)}" if rule.by else str(rule.metric)
            self._scope.explain_figure(what, tags, declared=declared).enforce()
            is_all = self._scope.figures(tags, declared=declared).is_all
        if not is_all:
            raise Forbidden(
                f"The rule {rule.name!r} is about all rows, and {self._scope.name} sees some. "
                "An admin can grant all rows."
            )

    def of_rule(self, rule: Rule) -> bool:
        """Return whether the rule may be shown."""
        if rule not in self._known:
            try:
                self.check(rule)
                self._known[rule] = True
            except AnalyticsProError:  # also of a dimension that is no more
                self._known[rule] = False
        return self._known[rule]

    def of_alert(self, alert: Alert) -> bool:
        """Return whether the alert may be shown, by the rule as it was when it fired."""
        told: Any = alert.evidence.get("rule")
        if self._scope.is_unlimited:
            return True
        try:
            return self.of_rule(Rule.parse(told))
        except AnalyticsProError:  # of a metric that is no more
            return False

    def _figure_tags(self, rule: Rule) -> tuple[frozenset[str], bool]:
        tags, declared = frozenset(catalog.metric(str(rule.metric)).tags), True
        for name in (*rule.by, *(item.dimension for item in rule.where)):
            more, is_declared = self._dimension(name)
            tags, declared = tags | more, declared and is_declared
        return tags, declared

    def _event_tags(self, when: Matching, rule: Rule) -> frozenset[str]:
        # What happened to the workspace itself is for who reads the audit log, that it did too.
        tags = frozenset({str(Tag.SECURITY)} if when.event.startswith(AUDIT) else ())
        for item in rule.where:
            tags |= self._dimension(item.dimension)[0]
        if when.number == "amount":
            return tags | {str(Tag.REVENUE)}
        if when.number is None:
            return tags
        try:
            return tags | self._property(when.event, when.number)
        except UnknownName:
            raise Forbidden(f"{when.number} is not known yet, so it is for admins.") from None
