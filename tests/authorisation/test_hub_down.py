"""While the hub is down nobody gets in but the owner and the collector."""

from __future__ import annotations

import json

import pytest

from analyticspro import clock
from analyticspro.audit import AuditLog
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from analyticspro.state import State
from tests.api.server import serving
from tests.authorisation.conftest import Site
from tests.authorisation.hub_double import doubling, model
from tests.local import until


def test_the_collector_and_the_owner_need_no_hub(tmp_path_factory: pytest.TempPathFactory):
    home = Home(tmp_path_factory.mktemp("down") / "home").prepare()
    key = WriteKeys.of(home).create("shop", now=clock.now()).text
    with doubling(home):
        pass  # it was there once
    with serving(home) as server:
        reply = server.call("GET", "/v1/metrics", token="ada's token")
        assert reply.status == 503
        assert reply.headers["retry-after"] == "2"
        assert reply.json["error"]["code"] == "unavailable"
        assert "The hub cannot say who you are" in reply.json["error"]["message"]
        assert server.call("GET", "/v1/metrics").status == 200
        event = {"event": "Ordered", "userId": "u1", "messageId": "m1"}
        assert server.call("POST", "/v1/track", event, token=key).status == 202
        assert server.call("GET", "/healthz", token=None).status == 200


def test_a_failing_hub_is_told_from_an_unknown_token(tmp_path_factory: pytest.TempPathFactory):
    home = Home(tmp_path_factory.mktemp("failing") / "home").prepare()
    with doubling(home) as hub, serving(home) as server:
        hub.people["s"] = model("somebody", None)
        assert server.call("GET", "/v1/metrics", token="s").status == 403
        assert server.call("GET", "/v1/metrics", token="nobody's").status == 401
        hub.people["t"], hub.status = model("another", None), 500
        assert server.call("GET", "/v1/metrics", token="t").status == 503
        scraped = server.call("GET", "/metrics").body.decode()
    assert 'analyticspro_refusals{name="unavailable"} 1.0' in scraped
    assert 'analyticspro_refusals{name="known"} 1.0' in scraped


def test_a_token_that_is_revoked_is_gone_within_ten_seconds(site: Site):
    number, token = site.token_of("ada")
    assert site.server.call("GET", "/v1/sources", token=token).status == 200
    site.revoke("ada", number)
    until(lambda: site.server.call("GET", "/v1/sources", token=token).status == 401, 10)


def test_the_audit_log_has_who_was_refused_what(site: Site):
    home = site.server.home
    assert (
        site.server.call("POST", "/v1/erase", {"by": "x"}, token=site.tokens["mara"]).status == 403
    )

    def told() -> list[str]:
        with State.open(home.state_address) as state:
            rows = AuditLog.of(home, state).newest(200, who="mara", allowed=False)
        assert site.tokens["mara"] not in json.dumps([row.reason for row in rows])
        return [row.subject for row in rows]

    until(lambda: "POST /v1/erase" in told() or "several requests" in told(), 90)
    with State.open(home.state_address) as state:
        assert AuditLog.of(home, state).verify().is_whole
