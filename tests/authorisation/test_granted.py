"""What a caller sees follows the data policies, and within seconds their changes."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from datetime import UTC, datetime
from math import inf
from pathlib import Path

import pytest

from analyticspro.api.callers import Caller
from analyticspro.api.granted import Granted
from analyticspro.audit import Actor
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.policies import Holder, Policies
from analyticspro.policy import OWNER, Grant, Role, Scope, scope_of_role
from analyticspro.state import State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = Actor("p1", "192.0.2.7")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def caller(name: str, role: Role | None) -> Caller:
    return Caller(name, Scope(name), frozenset(), by_key=False, confirmed_at=inf, role=role)


def seen(granted: Granted, *callers: Caller) -> list[Scope]:
    async def all_of_them() -> list[Scope]:
        return [(await granted.to(each)).scope for each in callers]

    return asyncio.run(all_of_them())


def test_by_default_all_of_a_role_see_the_same_and_nobody_else_anything(home: Home):
    with closing(Granted(lambda: home)) as granted:
        ada, bob, service = seen(
            granted,
            caller("p1", Role.VIEWER),
            caller("p2", Role.VIEWER),
            caller("service api", None),
        )
    assert ada == bob == scope_of_role(Role.VIEWER, "viewer")
    assert service.figures({"revenue"}).is_none
    assert service.records().is_none


def test_the_owner_is_asked_about_nowhere(tmp_path: Path):
    with closing(Granted(lambda: Home(tmp_path / "nowhere"))) as granted:
        assert seen(granted, Caller.owner()) == [OWNER]
    assert not (tmp_path / "nowhere").exists()


def test_a_change_made_elsewhere_holds_within_ten_seconds(home: Home):
    viewer = caller("p1", Role.VIEWER)
    with closing(Granted(lambda: home)) as granted:
        assert seen(granted, viewer)[0].figures({"pii"}).is_none
        with State.open(home.state_address) as state:
            given = Grant(frozenset({"pii"}))
            Policies.of(home, state).grant(Holder.of_person("p1"), given, by=BY, now=NOW)
        end = time.monotonic() + 10
        while seen(granted, viewer)[0].figures({"pii"}).is_none:
            assert time.monotonic() < end
            time.sleep(0.2)
        mine, other = seen(granted, viewer, caller("p2", Role.VIEWER))
    assert (mine.name, other.name) == ("p1", "viewer")
    assert other.figures({"pii"}).is_none


def test_without_the_database_nobody_is_let_in(home: Home):
    home.write_settings(state_url="postgresql://nobody@127.0.0.1:1/none")
    with closing(Granted(lambda: home)) as granted, pytest.raises(AnalyticsProError):
        seen(granted, caller("p1", Role.VIEWER))
