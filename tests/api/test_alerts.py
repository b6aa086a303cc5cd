"""An event is pushed, a rule fires, a person deals with it: over HTTP, against a running api."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analyticspro import clock
from analyticspro.collecting import WriteKeys
from analyticspro.config import Home
from tests.api.server import Server, serving
from tests.local import until

LARGE = {
    "name": "large-credits",
    "severity": "info",
    "routes": ["sales"],
    "when": {
        "kind": "event",
        "event": "credits_bought",
        "number": "price",
        "is": ">",
        "value": 500,
    },
}
MANY = {
    "name": "many-sign-ups",
    "metric": "sign_ups",
    "when": {"kind": "threshold", "is": ">=", "value": 2},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("alerts") / "home").prepare()


@pytest.fixture(scope="module")
def key(home: Home) -> str:
    return WriteKeys.of(home).create("app", now=clock.now()).text


@pytest.fixture(scope="module")
def server(home: Home, key: str) -> Iterator[Server]:
    with serving(home) as running:
        yield running


def post(server: Server, path: str, body: object, status: int = 200) -> Any:
    reply = server.call("POST", path, body)
    assert reply.status == status, reply.body.decode()
    return reply.json


def alerts(server: Server, *states: str) -> list[dict[str, Any]]:
    query = "&".join(f"state={state}" for state in states)
    reply = server.call("GET", f"/v1/alerts?{query}")
    assert reply.status == 200, reply.body.decode()
    found: list[dict[str, Any]] = reply.json["alerts"]
    return found


def push(server: Server, key: str, number: int, event: str, **properties: object) -> None:
    message = {
        "type": "track",
        "event": event,
        "userId": f"u{number}",
        "messageId": f"m{number}",
        "properties": properties,
    }
    reply = server.call("POST", "/v1/batch", {"batch": [message]}, token=key)
    assert reply.status in (200, 202), reply.body.decode()


def put(server: Server, *rules: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = post(
        server, "/v1/alert-rules", {"rules": rules, "prune": True, "by": "ada"}
    )
    return found


def progress(server: Server) -> list[dict[str, Any]]:
    rules = server.call("GET", "/v1/alert-rules").json["rules"]
    return [rule["progress"] for rule in rules]


def test_an_event_opens_an_alert_and_persons_close_it(server: Server, key: str):
    push(server, key, 0, "credits_bought", price=900)  # before there is a rule: no news
    assert put(server, LARGE, MANY)["added"] == ["large-credits", "many-sign-ups"]
    push(server, key, 1, "credits_bought", price="500.01")
    push(server, key, 2, "credits_bought", price=500)
    until(lambda: alerts(server))
    [alert] = alerts(server)
    assert (alert["rule"], alert["value"], alert["severity"]) == ("large-credits", 500.01, "info")
    act = {"alerts": [alert["id"]], "by": "ada"}
    for action, more in (
        ("acknowledge", {}),
        ("assign", {"text": "bob"}),
        ("comment", {"text": "A new partner."}),
        ("resolve", {}),
    ):
        [after] = post(server, "/v1/alerts/act", act | {"action": action} | more)["alerts"]
    assert (after["state"], after["assignee"]) == ("resolved", "bob")
    assert alerts(server) == []
    log = server.call("GET", f"/v1/alerts/{alert['id']}").json["log"]
    assert [(entry["who"], entry["action"]) for entry in log] == [
        ("analyticspro", "fired"),
        *(("ada", action) for action in ("acknowledge", "assign", "comment", "resolve")),
    ]


def test_a_count_beyond_its_limit_fires_while_the_hour_runs(server: Server, key: str):
    put(server, MANY)
    for number in (10, 11, 12):
        push(server, key, number, "signed_up")
    until(lambda: any(alert["rule"] == "many-sign-ups" for alert in alerts(server)))
    text = server.call("GET", "/metrics").body.decode()
    told = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line[0] != "#"}
    assert told["analyticspro_alerts_transitions"] >= 1
    assert told["analyticspro_alerts_failures"] == 0
    assert told["analyticspro_alerts_lag_seconds"] < 30


def test_a_backtest_and_a_silence_over_http(server: Server, key: str):
    push(server, key, 20, "credits_bought", price=700)
    body = {"rule": LARGE, "period": "all"}
    found = post(server, "/v1/alert-rules/backtest", body)
    assert 700.0 in [firing["value"] for firing in found["firings"]]
    silence = {"matcher": {"rule": "x"}, "hours": 1, "reason": "moving", "by": "ada"}
    made = post(server, "/v1/alert-silences", silence)["id"]
    [held] = server.call("GET", "/v1/alert-silences").json["silences"]
    assert (held["id"], held["reason"], held["made_by"]) == (made, "moving", "ada")
    post(server, "/v1/alert-silences", silence | {"matcher": {"rulez": "x"}}, status=422)


def test_a_wrong_rule_is_refused_whole(server: Server):
    before = progress(server)
    told = post(server, "/v1/alert-rules", {"rules": [MANY, {"name": "x"}]}, status=422)
    assert "Rule 'x'" in told["error"]["message"]
    assert len(progress(server)) == len(before)
    post(server, "/v1/alerts/act", {"alerts": [99_999], "action": "resolve"}, status=422)
