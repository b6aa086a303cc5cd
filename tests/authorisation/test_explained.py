"""What is explained, and what a preview tells, is what the api then really answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from analyticspro import clock
from analyticspro.metrics import catalog
from analyticspro.policies import Holder
from analyticspro.policies.asked import Kind, names
from analyticspro.policies.previewing import after, lines
from analyticspro.policies.row_words import told_rows
from analyticspro.policies.seers import seer
from analyticspro.policy import PERMISSIONS, Grant, Role, RowFilter, capabilities_of
from tests.api.server import Reply
from tests.authorisation.governed_site import MACHINE, GovernedSite, governed_site
from tests.authorisation.hub_double import model
from tests.local import until

US = RowFilter("country", ("US",))
CHANGES = {
    "nothing": [],
    "a tag more": [("role:viewer", Grant(frozenset({"pii"})))],
    "some rows": [("role:manager", Grant(frozenset({"revenue"}), (US,)))],
    "everything, aggregated": [("role:viewer", Grant(frozenset({"*"}), aggregates_only=True))],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GovernedSite]:
    with governed_site(tmp_path_factory.mktemp("explained")) as found:
        yield found


def asked(site: GovernedSite, role: Role) -> dict[str, bool]:
    """Return which metrics the api really answers to the person of a role."""
    queries = [{"metrics": [name]} for name in catalog.METRICS]
    answers = site.call(role, "POST", "/v1/queries", {"queries": queries}).json["answers"]
    refused = [one.get("error", {}).get("code") == "forbidden" for one in answers]
    return dict(zip(catalog.METRICS, [not each for each in refused], strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_each_metric_is_explained_as_it_is_answered(change: str, site: GovernedSite):
    made = [
        site.policies.grant(Holder.parse(holder), grant, by=MACHINE, now=clock.now())
        for holder, grant in CHANGES[change]
    ]
    for role in Role:
        expected = {
            name: not site_scope(site, role).figures(catalog.metric(name).tags).is_none
            for name in catalog.METRICS
        }
        until(lambda role=role, expected=expected: asked(site, role) == expected)
        for name in ("revenue", "orders", "active_users", "mrr"):
            told = site.call(role, "POST", "/v1/explain", {"what": name}).json
            assert told["shown"] is expected[name], told
            assert bool(told["missing"]) is not expected[name]
    for stored in made:
        site.policies.withdraw(stored.number, by=MACHINE, now=clock.now())


def site_scope(site: GovernedSite, role: Role):
    return seer(site.state, site.policies, str(role), now=clock.now()).scope


@pytest.mark.parametrize("role", Role)
def test_each_capability_and_page_is_explained_by_the_table(role: Role, site: GovernedSite):
    for row in PERMISSIONS:
        pages = [entry.path for entry in row.menu]
        for what in [str(row.capability), *pages]:
            told = site.call(Role.ADMIN, "POST", "/v1/explain", {"what": what, "who": role}).json
            has = row.capability in capabilities_of(role) and not row.only_keys
            assert told["shown"] is has, told
            if not has and not row.only_keys:
                assert str(row.capability) in told["missing"]
                assert told["cure"].startswith("The admin can add it")


def test_everybody_asks_about_themselves_and_admins_about_anybody(site: GovernedSite):
    viewer = site.people[Role.VIEWER]
    body = {"what": "amount_minor", "who": viewer.username}

    def answers() -> list[Reply]:
        return [site.call(role, "POST", "/v1/explain", body) for role in (Role.VIEWER, Role.ADMIN)]

    # What the tests before changed is known to both within seconds.
    until(lambda: len({reply.body for reply in answers()}) == 1)
    told = answers()
    assert [reply.status for reply in told] == [200, 200]
    assert told[0].json["shown"] is False
    assert told[0].json["who"] == f"The viewer ({viewer.username})"
    for role in (Role.MANAGER, Role.ANALYST):
        for who in (viewer.username, viewer.email, "viewer", "p999"):
            refused = site.call(role, "POST", "/v1/explain", {"what": "revenue", "who": who})
            assert (refused.status, "users:write" in refused.body.decode()) == (403, True)
    by = {"what": "revenue", "by": site.people[Role.ADMIN].username}
    assert site.call(Role.VIEWER, "POST", "/v1/explain", by).json["who"] == told[0].json["who"]


def test_who_is_called_like_a_role_or_an_address_is_who_the_hub_says(site: GovernedSite):
    for name in ("admin", site.people[Role.ADMIN].email, "p999"):
        site.hub.people["odd"] = model(name, Role.VIEWER)
        until(lambda: site.call("odd", "GET", "/v1/metrics").status == 200)
        until(lambda name=name: mine(site)["who"] == name)
        assert mine(site)["shown"] is False
        refused = site.call("odd", "POST", "/v1/explain", {"what": "raw", "who": "manager"})
        assert refused.status == 403


def mine(site: GovernedSite) -> dict[str, object]:
    return site.call("odd", "POST", "/v1/explain", {"what": "users:write"}).json


def test_a_row_is_explained_by_the_filters_and_the_field_that_is_missing(site: GovernedSite):
    person = site.people[Role.MANAGER].username
    grant = Grant(frozenset({"pii"}), (US, RowFilter("plan", ("pro",))))
    made = site.policies.grant(Holder.of_person(person), grant, by=MACHINE, now=clock.now())

    def shown(where: str) -> object:
        body = {"what": f"tag pii where {where}", "who": person}
        return site.call(Role.ADMIN, "POST", "/v1/explain", body).json

    until(lambda: shown("country=US and plan=pro")["shown"] is True)  # type: ignore[index]
    assert f"grant {made.number} of person:{person}" in shown("country=US and plan=pro")["reason"]
    assert shown("country=DE")["shown"] is False
    assert "in rows with country=DE" in shown("country=DE")["missing"]
    depends = shown("country=US")
    assert (depends["shown"], "depends on its plan" in depends["reason"]) == (None, True)
    assert "pro" not in depends["reason"]  # what a filter says is for who sets it
    site.policies.withdraw(made.number, by=MACHINE, now=clock.now())


@pytest.mark.parametrize(
    ("what", "cure"),
    [
        ("revenu", "Did you mean 'revenue'"),
        ("no_such.thing", "No event 'no_such'"),
        ("dimension cuntry", "Did you mean 'country'"),
        ("export where country=US", "Write export alone"),
        ("revenue where country!=US", "a row has one value"),
        ("a b c", "cannot be read"),
    ],
)
def test_what_cannot_be_explained_is_told_with_its_cure(what: str, cure: str, site: GovernedSite):
    reply = site.call(Role.ADMIN, "POST", "/v1/explain", {"what": what})
    assert (reply.status, cure in reply.json["error"]["message"]) == (422, True), reply.body


def test_what_is_offered_to_ask_about_can_be_asked(site: GovernedSite):
    for kind, known in names().items():
        for name in known[:40]:
            body = {"what": f"{kind} {name}" if kind in (Kind.DIMENSION, Kind.TAG) else name}
            assert site.call(Role.VIEWER, "POST", "/v1/explain", body).status == 200, body


@pytest.mark.parametrize("change", [name for name in CHANGES if CHANGES[name]])
@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_a_preview_is_what_the_change_then_does(change: str, role: Role, site: GovernedSite):
    [(holder, grant)] = CHANGES[change]
    stored, whose = site.policies.all(), Holder.parse(holder)
    of = seer(site.state, site.policies, str(role), now=clock.now())
    now, later = after(of, stored), after(of, stored, added=grant, holder=whose)
    assert told(now) == told(site_scope(site, role))
    made = site.policies.grant(whose, grant, by=MACHINE, now=clock.now())
    then = site_scope(site, role)
    assert told(later) == told(then)
    for line in lines(now, then):
        if line.kind == "metrics":
            titles = {metric.title: metric.tags for metric in catalog.METRICS.values()}
            for title in line.names:
                assert line.after == told_rows(then.figures(titles[title]))
    gone = after(seer(site.state, site.policies, str(role), now=clock.now()),
                 site.policies.all(), withdrawn=[made.number])  # fmt: skip
    site.policies.withdraw(made.number, by=MACHINE, now=clock.now())
    assert told(gone) == told(site_scope(site, role))


def told(scope: object) -> list[Grant]:
    return [replace(grant, name="") for grant in scope.grants]  # type: ignore[attr-defined]


def test_a_preview_shows_no_more_than_who_asks_sees(site: GovernedSite):
    admin, viewer = site.people[Role.ADMIN], site.people[Role.VIEWER]
    everything = {"who": viewer.username, "grant": {"tags": ["*"]}}
    [revenue] = figures(site, everything, "revenue")
    assert revenue["now"]["value"] == revenue["after"]["value"] is not None
    [all_of_admins] = [one for one in site.policies.all() if str(one.holder) == "role:admin"]
    site.policies.withdraw(all_of_admins.number, by=MACHINE, now=clock.now())
    mine = Grant(frozenset({"health"}))
    made = site.policies.grant(Holder.of_person(admin.username), mine, by=MACHINE, now=clock.now())
    until(lambda: "refused" in figures(site, everything, "revenue")[0]["after"])
    site.policies.withdraw(made.number, by=MACHINE, now=clock.now())
    site.policies.grant(
        Holder.of_role(Role.ADMIN), all_of_admins.grant, by=MACHINE, now=clock.now()
    )


def figures(site: GovernedSite, body: dict[str, object], name: str) -> list[dict[str, dict]]:
    reply = site.call(Role.ADMIN, "POST", "/v1/policies/preview", body)
    assert reply.status == 200, reply.body
    return [one for one in reply.json["figures"] if one["metric"] == name]


def test_a_preview_changes_nothing_and_refuses_what_is_no_grant(site: GovernedSite):
    before = site.policies.all()
    for grant in ({"tags": ["Revenue"]}, {"tags": [], "where": ["country"]}):
        body = {"who": "viewer", "grant": grant}
        assert site.call(Role.ADMIN, "POST", "/v1/policies/preview", body).status == 422
    body = {"who": "viewer", "withdraw": [9999]}
    assert site.call(Role.ADMIN, "POST", "/v1/policies/preview", body).status == 422
    assert site.policies.all() == before
