"""What is granted is stored, audited, and holds everywhere within seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyticspro.audit import Actor, AuditLog
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.policies import Holder, Policies
from analyticspro.policy import EVERYTHING, Grant, Role, RowFilter, scope_of_role
from analyticspro.state import State

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
ADA = Actor("p1", "192.0.2.7")
VIEWERS = Holder.of_role(Role.VIEWER)
US_REVENUE = Grant(frozenset({"revenue"}), (RowFilter("country", ("US", "it's")),))


@pytest.fixture
def audit(state: State, tmp_path: Path) -> AuditLog:
    return AuditLog.of(Home(tmp_path / "home").prepare(), state)


@pytest.fixture
def policies(state: State, audit: AuditLog) -> Policies:
    return Policies(state, audit)


@pytest.mark.parametrize("role", list(Role))
def test_the_defaults_hold_while_nothing_was_changed(policies: Policies, role: Role):
    assert policies.scope("p5", role, now=NOW) == scope_of_role(role, "p5")


def test_what_was_granted_is_read_back_and_noted(policies: Policies, audit: AuditLog):
    made = policies.grant(VIEWERS, US_REVENUE, by=ADA, now=NOW)

    grants = policies.scope("p5", Role.VIEWER, now=NOW).grants
    assert [(g.tags, g.where, g.aggregates_only) for g in grants[:-1]] == [
        (g.tags, g.where, g.aggregates_only) for g in scope_of_role(Role.VIEWER, "p5").grants
    ]
    assert grants[-1] == made.grant
    assert made.grant.where == US_REVENUE.where
    assert made.grant.name == f"grant {made.number} of role:viewer"
    [entry] = audit.newest()
    assert (entry.who, entry.action, entry.subject) == ("p1", "policies.grant", "role:viewer")
    assert entry.reason == f"{made.number}: (revenue; rows by country)"
    assert audit.verify().is_whole


def test_a_person_has_what_the_role_has_and_what_is_its_own(policies: Policies):
    policies.grant(Holder.of_person("p5"), Grant(frozenset({"pii"})), by=ADA, now=NOW)

    assert policies.scope("p5", Role.VIEWER, now=NOW).records({"pii"}).is_all
    assert policies.scope("p5", None, now=NOW).records({"pii"}).is_all
    assert policies.scope("p5", None, now=NOW).figures({"revenue"}).is_none
    for other in ("p6", "p55"):
        assert policies.scope(other, Role.VIEWER, now=NOW).records({"pii"}).is_none


def test_a_default_that_was_withdrawn_stays_so(policies: Policies, audit: AuditLog):
    managers = [s for s in policies.all() if s.holder == Holder.of_role(Role.MANAGER)]

    for stored in managers:
        policies.withdraw(stored.number, by=ADA, now=NOW)

    assert policies.scope("p5", Role.MANAGER, now=NOW).grants == ()
    assert policies.scope("p5", Role.VIEWER, now=NOW).figures({"revenue"}).is_all
    assert policies.scope("p5", Role.ADMIN, now=NOW).is_unlimited
    assert [entry.action for entry in audit.newest()] == ["policies.withdraw"]


def test_a_change_holds_elsewhere_within_five_seconds(
    policies: Policies, state: State, audit: AuditLog
):
    elsewhere = Policies(state, audit)
    assert elsewhere.scope("p5", Role.VIEWER, now=NOW).records({"pii"}).is_none

    made = policies.grant(VIEWERS, Grant(frozenset({EVERYTHING})), by=ADA, now=NOW)
    after = NOW + timedelta(seconds=5)
    assert elsewhere.scope("p5", Role.VIEWER, now=after).is_unlimited

    policies.withdraw(made.number, by=ADA, now=after)
    assert not policies.scope("p5", Role.VIEWER, now=after).is_unlimited
    later = after + timedelta(seconds=5)
    assert not elsewhere.scope("p5", Role.VIEWER, now=later).is_unlimited


def test_a_clock_that_was_set_back_keeps_nothing_for_longer(
    policies: Policies, state: State, audit: AuditLog
):
    elsewhere = Policies(state, audit)
    elsewhere.scope("p5", Role.VIEWER, now=NOW)
    policies.grant(VIEWERS, Grant(frozenset({EVERYTHING})), by=ADA, now=NOW)

    assert elsewhere.scope("p5", Role.VIEWER, now=NOW - timedelta(days=1)).is_unlimited


def test_what_cannot_be_is_refused_and_changes_nothing(policies: Policies, audit: AuditLog):
    with pytest.raises(DefinitionError, match="is no tag"):
        policies.grant(VIEWERS, Grant(frozenset({":untagged"})), by=ADA, now=NOW)
    with pytest.raises(UnknownName, match="No grant '99'"):
        policies.withdraw(99, by=ADA, now=NOW)
    with pytest.raises(DefinitionError, match="username"):
        Holder.of_person("ada")
    with pytest.raises(UnknownName):
        Holder.parse("role:boss")

    assert policies.all()[0].made_at is None
    assert audit.newest() == []
