"""Each endpoint as each of the roles, as nobody, and with tokens that no longer count.

What is expected comes from the permission table; what an endpoint needs is written out here
once more, so that an endpoint that nobody has thought about fails, and one that is weakened too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from analyticspro.api.collector_requests import PATHS
from analyticspro.config import secret
from analyticspro.policy import Capability, roles_with
from tests.authorisation.conftest import CALLERS, KNOWN, Site

C = Capability
OWNER_ONLY, WRITE_KEY = "the workspace's token", "a write key"
NEEDED: dict[tuple[str, str], str] = {
    ("GET", "/metrics"): C.SOURCES_READ,
    ("GET", "/v1/openapi.json"): C.DASHBOARD_READ,
    ("GET", "/v1/metrics"): C.DASHBOARD_READ,
    ("GET", "/v1/workspace"): C.DASHBOARD_READ,
    ("GET", "/v1/dimensions/{name}/values"): C.DASHBOARD_READ,
    ("POST", "/v1/query"): C.DASHBOARD_READ,
    ("POST", "/v1/queries"): C.DASHBOARD_READ,
    ("POST", "/v1/figures"): C.DASHBOARD_READ,
    ("POST", "/v1/figures/changes"): C.DASHBOARD_READ,
    ("POST", "/v1/sql"): C.NOTEBOOKS_WRITE,
    ("GET", "/v1/me"): C.DASHBOARD_READ,
    ("GET", "/v1/packages/simple/{project}/"): C.NOTEBOOKS_WRITE,
    ("GET", "/v1/packages/files/{project}/{file}"): C.NOTEBOOKS_WRITE,
    ("GET", "/v1/packages/refused/{why}/{file}"): C.NOTEBOOKS_WRITE,
    ("POST", "/v1/explain"): C.DASHBOARD_READ,
    ("POST", "/v1/policies/preview"): C.USERS_WRITE,
    ("POST", "/v1/viewings"): C.USERS_WRITE,
    ("POST", "/v1/viewings/end"): C.DASHBOARD_READ,
    ("GET", "/v1/viewing"): C.DASHBOARD_READ,
    ("GET", "/v1/alerts"): C.ALERTS_READ,
    ("GET", "/v1/alerts/{number}"): C.ALERTS_READ,
    ("POST", "/v1/alerts/act"): C.ALERTS_WRITE,
    ("GET", "/v1/alert-rules"): C.ALERTS_READ,
    ("POST", "/v1/alert-rules"): C.ALERTS_WRITE,
    ("POST", "/v1/alert-rules/backtest"): C.ALERTS_WRITE,
    ("GET", "/v1/alert-silences"): C.ALERTS_READ,
    ("POST", "/v1/alert-silences"): C.ALERTS_WRITE,
    ("GET", "/v1/sources"): C.SOURCES_READ,
    ("GET", "/v1/ledger"): C.SOURCES_READ,
    ("GET", "/v1/schema"): C.SOURCES_READ,
    ("GET", "/v1/contracts"): C.SOURCES_READ,
    ("GET", "/v1/sources/status"): C.SOURCES_READ,
    ("GET", "/v1/sources/{name}/history"): C.SOURCES_READ,
    ("GET", "/v1/sources/{name}/rejects"): C.SOURCES_WRITE,
    ("POST", "/v1/sync"): C.SOURCES_WRITE,
    ("POST", "/v1/replay"): C.SOURCES_WRITE,
    ("POST", "/v1/demo"): C.SOURCES_WRITE,
    ("POST", "/v1/backfill"): C.SOURCES_WRITE,
    ("POST", "/v1/sources/{name}/pause"): C.SOURCES_WRITE,
    ("POST", "/v1/sources/{name}/resume"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/catch-up"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/tag"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/untag"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/block"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/unblock"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/promote"): C.SOURCES_WRITE,
    ("POST", "/v1/schema/demote"): C.SOURCES_WRITE,
    ("POST", "/v1/backup"): C.DATA_ADMIN,
    ("POST", "/v1/erase"): C.DATA_ADMIN,
    ("POST", "/v1/archive"): C.DATA_ADMIN,
    ("POST", "/v1/archive/verify"): C.DATA_ADMIN,
    ("POST", "/v1/links"): OWNER_ONLY,
    ("POST", "/v1/links/redeem"): OWNER_ONLY,
    **{("POST", path): WRITE_KEY for path in PATHS},
}
OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
HARMLESS = {"/v1/sync": {"sources": []}, "/v1/demo": {"events": 1}}  # what an admin really does


@pytest.fixture(scope="module")
def declared(site: Site) -> dict[tuple[str, str], Any]:
    """What the running api says of its endpoints."""
    paths = site.server.call("GET", "/v1/openapi.json").json["paths"]
    return {
        (method.upper(), path): told.get("x-needs")
        for path, methods in paths.items()
        for method, told in methods.items()
    }


def test_there_is_no_endpoint_that_the_table_does_not_name(declared: dict[tuple[str, str], Any]):
    # The document does not describe itself, nor an answer that has no end.
    unlisted = {("GET", "/v1/openapi.json"), ("POST", "/v1/figures/changes")}
    assert declared.keys() == NEEDED.keys() - unlisted | OPEN
    assert {one: needs for one, needs in declared.items() if one not in OPEN} == {
        one: needs for one, needs in NEEDED.items() if one not in unlisted
    }


@pytest.mark.parametrize(("method", "path"), sorted(NEEDED))
@pytest.mark.parametrize("caller", CALLERS)
def test_the_table_holds(caller: str, method: str, path: str, site: Site):
    body = HARMLESS.get(path, {}) if method == "POST" else None
    actual = re.sub(r"\{\w+\}", "country", path)
    reply = site.server.call(method, actual, body, token=site.tokens[caller])
    needs, role = NEEDED[method, path], CALLERS[caller]
    told = reply.body.decode()
    if caller not in KNOWN or needs == WRITE_KEY:
        assert reply.status == 401, told
    elif needs == OWNER_ONLY:
        assert reply.status == 403, told
        assert OWNER_ONLY in told
    elif role in roles_with(C(needs)):
        assert reply.status in (200, 422), told
    else:
        assert reply.status == 403, told
        assert f"Refused: {needs} " in told


def test_a_key_has_no_more_than_the_part_that_it_was_given(site: Site):
    scopes = ["custom:analyticspro:dashboard:read"]
    _, key = site.token_of("root", scopes=scopes)
    assert site.server.call("GET", "/v1/metrics", token=key).status == 200
    assert site.server.call("GET", "/v1/sources", token=key).status == 403


@pytest.fixture(scope="module")
def proxied(site: Site) -> Iterator[httpx.Client]:
    """Speaks to the api through the hub's proxy, by a route as the hub makes one."""
    settings = site.server.home.settings
    httpx.post(
        f"http://127.0.0.1:{settings.proxy_api_port}/api/routes/services.localhost/services/api",
        json={"target": site.server.url},
        headers={"Authorization": f"token {secret(site.server.home, 'proxy')}"},
    ).raise_for_status()
    base = f"http://127.0.0.1:{settings.hub_port}/services/api"
    host = {"Host": f"services.localhost:{settings.hub_port}"}
    with httpx.Client(base_url=base, headers=host, timeout=60) as client:
        yield client


def test_the_same_holds_through_the_hub_s_proxy(proxied: httpx.Client, site: Site):
    assert proxied.get("/healthz").json() == {"status": "ok"}
    for name, status in (("vera", 403), ("ada", 200), ("nil", 403)):
        headers = {"Authorization": f"Bearer {site.tokens[name]}"}
        assert proxied.get("/v1/sources", headers=headers).status_code == status
    owner = {"Authorization": f"Bearer {site.server.home.token()}"}
    assert proxied.get("/v1/sources", headers=owner).status_code == 401


def test_an_answer_says_who_asked_and_as_what(site: Site):
    for name, seen_as in (("vera", "viewer"), ("root", "admin")):
        body = {"metrics": ["orders"]}
        told = site.server.call("POST", "/v1/query", body, token=site.tokens[name]).json
        provenance = told["provenance"]
        assert (provenance["asked_by"], provenance["scope"]) == (name, seen_as)
        [same] = site.server.call(
            "POST", "/v1/queries", {"queries": [body]}, token=site.tokens[name]
        ).json["answers"]
        assert same["provenance"]["asked_by"] == name
