"""An event is pushed, a rule fires, a person deals with it: over HTTP, against a running api."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

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
def key(home: Home) -> str:
    return WriteKeys.of(home).make("app", now=datetime(2026, 1, 1, tzinfo=UTC)).secret


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("alerts") / "home").prepare()


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
    return reply.json["alerts"]


def push(server: Server, key: str, number: int, event: str, **properties: object) -> None:
    message = {
        "type": "track",
        "event": event,
        "userId": f"u{number}",
        "messageId": f"m{number}",
        "properties": properties,
    }
    reply = server.call(
        "POST", "/v1/batch", {"batch": [message]}, headers={"X-Write-Key": key}, token=None
    )
    assert reply.status == 202, reply.body.decode()
