"""An admin looks as somebody else: read only, never seeing more, noted, over by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import inf
from pathlib import Path

import pytest

from analyticspro import clock
from analyticspro.api.callers import Caller
from analyticspro.api.collector_requests import PATHS
from analyticspro.api.known_people import KnownPeople
from analyticspro.api.viewing import Viewings
from analyticspro.audit import AuditLog
from analyticspro.client.viewing import HEADER, PAGE_HEADER
from analyticspro.config import Home
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.policies import Holder
from analyticspro.policy import Grant, Role, RowFilter, Scope, scopes_of
from analyticspro.state import State
from tests.authorisation.governed_site import MACHINE, GovernedSite, governed_site, joined
from tests.authorisation.hub_double import model
from tests.local import until

ADMIN, VIEWER = Role.ADMIN, Role.VIEWER


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GovernedSite]:
    with governed_site(tmp_path_factory.mktemp("viewing")) as found:
        yield found


def begun(site: GovernedSite, role: Role = VIEWER) -> dict[str, str]:
    reply = site.call(ADMIN, "POST", "/v1/viewings", {"who": site.people[role].username})
    assert reply.status == 200, reply.body
    return {HEADER: reply.json["ticket"]}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ANALYST, VIEWER])
def test_one_sees_what_that_person_sees(role: Role, site: GovernedSite):
    as_them = begun(site, role)
    queries = {
        "queries": [{"metrics": [name]} for name in ("revenue", "active_users", "satisfaction")]
    }
    queries["queries"].append({"metrics": ["revenue"], "by": ["country"]})
    theirs = site.call(role, "POST", "/v1/queries", queries).json["answers"]
    seen = site.call(ADMIN, "POST", "/v1/queries", queries, **as_them).json["answers"]
    assert [one.get("arrow") for one in seen] == [one.get("arrow") for one in theirs]
    assert [one.get("error") for one in seen] == [one.get("error") for one in theirs]
    answered = next(one for one in seen if "provenance" in one)
    assert answered["provenance"]["asked_by"] == site.people[ADMIN].username
    page = {**queries, "values": ["country"]}
    theirs = site.call(role, "POST", "/v1/figures", page)
    seen_page = site.call(ADMIN, "POST", "/v1/figures", page, **as_them)
    assert (seen_page.status, seen_page.json["values"]) == (200, theirs.json["values"])
    shown = [one.get("arrow", one.get("error")) for one in seen_page.json["answers"]]
    assert shown == [one.get("arrow", one.get("error")) for one in theirs.json["answers"]]
    told = site.call(ADMIN, "GET", "/v1/viewing", **as_them).json
    assert (told["name"], told["role"]) == (f"The {role}", role)
    sources = site.call(ADMIN, "GET", "/v1/sources", **as_them).status
    assert sources == site.call(role, "GET", "/v1/sources").status


def test_nothing_but_reads_is_answered(site: GovernedSite):
    as_them = begun(site, Role.ANALYST)
    document = site.call(ADMIN, "GET", "/v1/openapi.json").json["paths"]
    asked = [
        (method.upper(), path.replace("{name}", "x"))
        for path, methods in document.items()
        for method in methods
        if method != "get" and path not in ("/v1/query", "/v1/queries", "/v1/figures")
    ]
    assert len(asked) > 20
    assert {*PATHS} <= {path for _, path in asked}
    for method, path in asked:
        reply = site.call(ADMIN, method, path, {}, **as_them)
        assert reply.status == 403, (method, path, reply.body)
    another = {"who": site.people[VIEWER].username}
    assert site.call(ADMIN, "POST", "/v1/viewings", another, **as_them).status == 403
    assert site.call(ADMIN, "GET", "/v1/viewing", **as_them).json["role"] == "analyst"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ANALYST, VIEWER])
def test_nobody_but_the_admin_who_began_looks(role: Role, site: GovernedSite):
    as_them = begun(site)
    assert site.call(role, "GET", "/v1/metrics", **as_them).status == 403
    body = {"who": site.people[ADMIN].username}
    refused = site.call(role, "POST", "/v1/viewings", body)
    assert (refused.status, "users:write" in refused.body.decode()) == (403, True)
    assert site.call("nobody's", "GET", "/v1/metrics", **as_them).status == 401
    ended = site.call(role, "POST", "/v1/viewings/end", {"ticket": as_them[HEADER]})
    assert ended.json == {"ended": False}
    assert site.call(ADMIN, "GET", "/v1/metrics", **as_them).status == 200


def test_another_admin_s_ticket_is_of_no_use(site: GovernedSite):
    other = joined(site.server.home, site.state, Role.MANAGER, "Other")
    site.hub.people["other"] = model(other.username, ADMIN)
    assert site.call("other", "GET", "/v1/metrics", **begun(site)).status == 403


def test_it_ends_when_it_is_ended_and_when_another_begins(site: GovernedSite):
    first = begun(site)
    second = begun(site, Role.MANAGER)
    assert site.call(ADMIN, "GET", "/v1/viewing", **first).status == 403
    ended = [
        site.call(ADMIN, "POST", "/v1/viewings/end", {"ticket": second[HEADER]}).json["ended"]
        for _ in range(2)
    ]
    assert ended == [True, False]
    assert site.call(ADMIN, "GET", "/v1/viewing", **second).status == 403
    assert site.call(ADMIN, "GET", "/v1/viewing", **{HEADER: "made up"}).status == 403


def test_it_never_raises_what_the_admin_sees(site: GovernedSite):
    admin = site.people[ADMIN]
    everything = next(one for one in site.policies.all() if str(one.holder) == "role:admin")
    narrow = Grant(frozenset({"revenue"}), (RowFilter("country", ("France",)),))
    now = clock.now()
    site.policies.withdraw(everything.number, by=MACHINE, now=now)
    made = site.policies.grant(Holder.of_person(admin.username), narrow, by=MACHINE, now=now)

    as_them, values = begun(site, Role.MANAGER), "/v1/dimensions/country/values"
    theirs = site.call(Role.MANAGER, "GET", values).json["values"]
    assert len(theirs) > 1
    for more in ({}, as_them):
        until(
            lambda more=more: site.call(ADMIN, "GET", values, **more).json["values"] == ["France"]
        )
    site.policies.withdraw(made.number, by=MACHINE, now=now)
    site.policies.grant(Holder.of_role(ADMIN), everything.grant, by=MACHINE, now=now)


def test_start_each_page_and_end_are_noted(site: GovernedSite):
    person, admin = site.people[VIEWER].username, site.people[ADMIN].username
    as_them = begun(site)
    for page in ("/dashboards/overview", "/dashboards/overview", "/dashboards/sales"):
        site.call(ADMIN, "GET", "/v1/metrics", **as_them, **{PAGE_HEADER: page})
    site.call(ADMIN, "POST", "/v1/sync", {}, **as_them)
    site.call(ADMIN, "POST", "/v1/viewings/end", {"ticket": as_them[HEADER]})

    def noted() -> list[tuple[str, str]]:
        rows = [row for row in site.entries("view_as") if row.subject == person]
        assert {(row.who, row.origin) for row in rows} == {(admin, "127.0.0.1")}
        return [(row.action.partition(".")[2], row.reason) for row in rows]

    until(lambda: noted()[0][0] == "end")
    told = noted()[:4]
    assert [kind for kind, _ in told] == ["end", "page", "page", "start"]
    assert [page for kind, page in told if kind == "page"] == [
        "/dashboards/sales",
        "/dashboards/overview",
    ]
    until(
        lambda: any(row.subject == "POST as somebody else" for row in site.entries("api.refused"))
    )
    assert all(as_them[HEADER] not in repr(row) for row in site.entries("view_as"))


def test_an_admin_who_is_none_any_more_looks_no_longer(site: GovernedSite):
    as_them = begun(site)
    known = site.hub.people.pop(str(ADMIN))
    site.hub.people[str(ADMIN)] = model(known["name"], Role.ANALYST)
    until(lambda: site.call(ADMIN, "GET", "/v1/viewing", **as_them).status == 403)
    site.hub.people[str(ADMIN)] = known
    until(lambda: site.call(ADMIN, "GET", "/v1/viewing", **as_them).status == 200)


@pytest.mark.parametrize(
    ("who", "told"),
    [("viewer", "is no person"), ("p999", "No person"), ("", "who"), ("x" * 300, "who")],
)
def test_as_whom_one_cannot_look_is_told(who: str, told: str, site: GovernedSite):
    reply = site.call(ADMIN, "POST", "/v1/viewings", {"who": who})
    assert (reply.status, told in reply.json["error"]["message"]) == (422, True)


def test_one_does_not_look_as_oneself(site: GovernedSite):
    body = {"who": site.people[ADMIN].email}
    assert "This is you" in site.call(ADMIN, "POST", "/v1/viewings", body).body.decode()


def test_it_is_over_by_itself(tmp_path: Path):
    home = Home(tmp_path / "home").prepare()
    with State.open(home.state_address) as state:
        vera = joined(home, state, VIEWER, "Vera")
    admin = Caller(
        "p99", Scope("p99"), scopes_of(ADMIN), by_key=False, confirmed_at=inf, role=ADMIN
    )

    async def look() -> datetime:
        known = KnownPeople(lambda: home)
        viewings = Viewings(known, lasts_for=timedelta(seconds=0.3))
        begun = await viewings.start(admin, vera.email, None, "192.0.2.7")
        headers = {HEADER.lower(): begun.ticket}
        seen = viewings.narrowed(admin, headers, "GET", "/v1/metrics")
        assert (seen.viewing_as, seen.held) == (vera.username, scopes_of(VIEWER))
        while viewings.of(begun.ticket) is not None:
            await asyncio.sleep(0.02)
        with pytest.raises(Forbidden, match="is over"):
            viewings.narrowed(admin, headers, "GET", "/v1/metrics")
        with pytest.raises(DefinitionError):
            await viewings.start(admin, "analyst", None, "192.0.2.7")
        await viewings.close()
        known.close()
        return begun.until

    asyncio.run(look())
    with State.open(home.state_address) as state:
        rows = AuditLog.of(home, state).newest(action="view_as")
    assert [(row.action, row.who) for row in rows] == [
        ("view_as.end", "p99"),
        ("view_as.page", "p99"),
        ("view_as.start", "p99"),
    ]
    assert rows[0].reason == "Its time was over."
