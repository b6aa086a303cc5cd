"""What the audit log tells is seen as events by who is granted `security`, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.audit import Actor, AuditLog
from analyticspro.metrics.catalog.audit import METRICS
from analyticspro.policies import Holder
from analyticspro.policy import Grant, Role
from tests.authorisation.governed_site import MACHINE, GovernedSite, governed_site
from tests.local import until
from tests.metrics.shop import EVENTS

OTHERS = [role for role in Role if role is not Role.ADMIN]
NAMES = [metric.name for metric in METRICS]
BOB = Actor("p77", "192.0.2.7")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GovernedSite]:
    with governed_site(tmp_path_factory.mktemp("audited")) as found:
        log = AuditLog.of(found.server.home, found.state)
        for _ in range(3):
            log.record(BOB, "sign_in", "p77", allowed=False, now=clock.now())
        log.record(BOB, "export.audit", "all", now=clock.now())
        until(lambda: figure(found, Role.ADMIN, "failed_sign_ins") == 3 + 3)
        yield found


def figure(site: GovernedSite, role: Role, name: str, **more: Any) -> Any:
    body = {"metrics": [name], "period": "2020-01-01..2100-01-01", **more}
    [row] = site.call(role, "POST", "/v1/query", body, Accept="application/json").json["rows"]
    return row[name]


def everything_read(site: GovernedSite, role: Role) -> dict[str, str]:
    """Return the bodies of all that a role can read of data, whatever their status."""
    ask = {"metrics": ["events"], "by": ["event"]}
    statements = [
        "SELECT * FROM events",
        "SELECT count(*) FROM events WHERE source = 'analyticspro'",
        "SELECT DISTINCT source, name FROM events",
    ]
    gets = [
        "/v1/dimensions/event/values",
        "/v1/dimensions/source/values",
        "/v1/dimensions/actor/values",
        "/v1/dimensions/action/values",
        "/v1/sources",
        "/v1/sources/status",
        "/v1/ledger",
        "/v1/schema",
        "/v1/schema?event=audit_denied",
        "/v1/schema/violations",
        "/v1/workspace",
    ]
    calls: list[tuple[str, str, Any]] = [("GET", path, None) for path in gets]
    calls += [("POST", "/v1/query", ask | {"metrics": [name]}) for name in ("events", *NAMES)]
    calls += [("POST", "/v1/query", {"metrics": [name]}) for name in NAMES]
    calls += [("POST", "/v1/sql", {"statement": text}) for text in statements]
    calls.append(("POST", "/v1/query", {"metrics": ["events"], "by": ["source"]}))
    where = [{"dimension": "source", "values": ["analyticspro"]}]
    calls.append(("POST", "/v1/query", {"metrics": ["events"], "where": where}))
    return {
        f"{method} {path} {body}": site.call(role, method, path, body).body.decode(errors="replace")
        for method, path, body in calls
    }


@pytest.mark.parametrize("role", OTHERS)
def test_others_than_admins_are_shown_none_of_them(role: Role, site: GovernedSite):
    for asked, body in everything_read(site, role).items():
        # Neither as a value, nor within an id or a record; `audit_recorded` is theirs alone.
        for told in ('"analyticspro"', "analyticspro:", "p77", "audit_recorded", "export.audit"):
            assert told not in body, (asked, told)


def test_an_analyst_counts_none_of_them_in_sql(site: GovernedSite):
    text = "SELECT count(*) AS n, count(*) FILTER (name LIKE 'audit%') AS named FROM events"
    [row] = site.call(Role.ANALYST, "POST", "/v1/sql", {"statement": text}).json["rows"]
    told = sum(each.name.startswith("audit") for each in EVENTS)  # by the shop, as its own
    assert row == {"n": len(EVENTS), "named": told}


@pytest.mark.parametrize("role", OTHERS)
@pytest.mark.parametrize("name", NAMES)
def test_their_figures_are_refused_with_the_tag(name: str, role: Role, site: GovernedSite):
    answer = site.call(role, "POST", "/v1/query", {"metrics": [name]})
    assert answer.status == 403
    assert "security" in answer.json["error"]["message"]


@pytest.mark.parametrize("role", Role)
def test_no_figure_of_the_business_counts_them(role: Role, site: GovernedSite):
    assert figure(site, role, "events") == len(EVENTS)
    body = {"metrics": ["events"], "by": ["source"]}
    found = site.call(role, "POST", "/v1/query", body).json
    assert [row["source"] for row in found["rows"]] == ["shop"]
    assert list(found["provenance"]["watermarks"]) == ["shop"]
    assert found["provenance"]["rows_read"] == len(EVENTS)


def test_admins_see_them(site: GovernedSite):
    assert figure(site, Role.ADMIN, "audited_exports") == 2 + 1
    rows = site.call(
        Role.ADMIN, "POST", "/v1/query", {"metrics": ["failed_sign_ins"], "by": ["actor"]}
    ).json["rows"]
    assert {"actor": "p77", "failed_sign_ins": 3} in rows
    sources = site.call(Role.ADMIN, "GET", "/v1/sources").json["sources"]
    assert "analyticspro" in [each["name"] for each in sources]
    text = "SELECT count(*) AS n FROM events WHERE source = 'analyticspro' AND name LIKE 'audit%'"
    body = {"statement": text}
    [row] = site.call(Role.ADMIN, "POST", "/v1/sql", body, Accept="application/json").json["rows"]
    assert row["n"] >= 4


def test_a_grant_of_the_tag_shows_them(site: GovernedSite):
    assert site.call(Role.MANAGER, "POST", "/v1/query", {"metrics": ["denials"]}).status == 403
    granted = Grant(frozenset({"security"}), aggregates_only=True)
    site.policies.grant(Holder.parse("role:manager"), granted, by=MACHINE, now=clock.now())

    def is_shown() -> bool:
        return site.call(Role.MANAGER, "POST", "/v1/query", {"metrics": ["denials"]}).status == 200

    until(is_shown)
    until(lambda: figure(site, Role.ADMIN, "policy_changes") >= 1)
    text = {"statement": "SELECT * FROM events WHERE source = 'analyticspro'"}
    answer = site.call(Role.MANAGER, "POST", "/v1/sql", text)
    assert "p77" not in answer.body.decode()  # figures only
