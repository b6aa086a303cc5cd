"""The OpenAPI document says what the api does, errors included."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI

from tests.api.server import Server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    reply = server.call("GET", "/v1/openapi.json")
    assert reply.status == 200
    found: dict[str, Any] = reply.json
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        here = {part["$ref"]} if "$ref" in part else set()
        return here.union(*(references(item) for item in part.values()))
    return set().union(*(references(item) for item in part)) if isinstance(part, list) else set()


def test_it_is_an_openapi_document(document: dict[str, Any]):
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_it_describes_every_route(document: dict[str, Any]):
    assert operations(document).keys() == {
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /v1/dimensions/{name}/values",
        "GET /v1/alert-rules",
        "GET /v1/alert-silences",
        "GET /v1/alerts",
        "GET /v1/alerts/{number}",
        "POST /v1/alert-rules",
        "POST /v1/alert-rules/backtest",
        "POST /v1/alert-silences",
        "POST /v1/alerts/act",
        "GET /v1/ledger",
        "GET /v1/contracts",
        "GET /v1/metrics",
        "GET /v1/packages/files/{project}/{file}",
        "GET /v1/packages/refused/{why}/{file}",
        "GET /v1/packages/simple/{project}/",
        "GET /v1/schema",
        "GET /v1/sources",
        "GET /v1/sources/status",
        "GET /v1/sources/{name}/history",
        "GET /v1/sources/{name}/rejects",
        "GET /v1/workspace",
        "POST /v1/alias",
        "POST /v1/archive",
        "POST /v1/archive/verify",
        "POST /v1/backfill",
        "POST /v1/backup",
        "POST /v1/batch",
        "POST /v1/demo",
        "POST /v1/erase",
        "POST /v1/figures",
        "POST /v1/group",
        "POST /v1/identify",
        "POST /v1/links",
        "POST /v1/links/redeem",
        "POST /v1/page",
        "POST /v1/queries",
        "POST /v1/query",
        "POST /v1/replay",
        "POST /v1/schema/block",
        "POST /v1/schema/catch-up",
        "POST /v1/schema/demote",
        "POST /v1/schema/promote",
        "POST /v1/schema/tag",
        "POST /v1/schema/unblock",
        "POST /v1/schema/untag",
        "POST /v1/screen",
        "POST /v1/sources/{name}/pause",
        "POST /v1/sources/{name}/resume",
        "POST /v1/sql",
        "POST /v1/explain",
        "POST /v1/policies/preview",
        "POST /v1/viewings",
        "POST /v1/viewings/end",
        "GET /v1/me",
        "GET /v1/viewing",
        "POST /v1/sync",
        "POST /v1/track",
    }
    for operation in operations(document).values():
        assert operation["description"].endswith(".")


def test_it_says_where_a_token_is_needed(document: dict[str, Any]):
    schemes = document["components"]["securitySchemes"]
    assert list(schemes.values()) == [{"type": "http", "scheme": "bearer"}]
    unguarded = [name for name, op in operations(document).items() if not op.get("security")]
    assert unguarded == ["GET /healthz", "GET /readyz"]


def test_it_says_how_a_request_is_refused(document: dict[str, Any]):
    """In the form that is really sent, not in the framework's own."""
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for name, operation in operations(document).items():
        if operation.get("security"):
            assert {"401", "413", "422", "503"} <= operation["responses"].keys(), name
            schema = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/RefusalBody"}


def test_its_examples_work(document: dict[str, Any], server: Server):
    properties = document["components"]["schemas"]["QueryBody"]["properties"]
    body = {name: item["examples"][0] for name, item in properties.items() if "examples" in item}
    assert body["metrics"] == ["revenue", "orders"]
    assert server.call("POST", "/v1/query", body).status == 200
