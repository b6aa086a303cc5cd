"""Nobody gets in without the token, whatever route is added; health alone is open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from analyticspro.api import guard, make_app
from analyticspro.api.collector_requests import PATHS
from analyticspro.errors import DefinitionError
from tests.api.server import Server

OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
# The document does not describe itself, nor what answers without end.
UNLISTED = {("GET", "/v1/openapi.json"), ("POST", "/v1/figures/changes")}


def routes() -> set[tuple[str, str]]:
    """Return every (method, path) that the app answers, by its own document."""
    paths = _app().openapi()["paths"]
    listed = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    return listed | UNLISTED


def _app() -> Any:
    return make_app(None, "a token that is long enough")  # type: ignore[arg-type]


def _walked(routes_of: Any) -> Iterator[APIRoute]:
    for route in routes_of:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from _walked(route.original_router.routes)


GUARDED = sorted(routes() - OPEN)
INSIDE = [re.sub(r"\{\w+\}", "country", f"{method} {path}").split() for method, path in GUARDED]


def test_no_route_hides_from_this_test():
    functions = list(_walked(_app().routes))
    assert len(functions) == len(routes())
    hidden = {f"/v1{route.path}" for route in functions if not route.include_in_schema}
    assert hidden == {path for _, path in UNLISTED}


@pytest.mark.parametrize(("method", "path"), sorted(OPEN))
def test_health_is_open(method: str, path: str, server: Server):
    assert server.call(method, path, token=None).status == 200


@pytest.mark.parametrize(("method", "path"), INSIDE)
class TestEveryOtherRoute:
    def test_asks_for_a_token(self, method: str, path: str, server: Server):
        reply = server.call(method, path, token=None)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.json["error"]["code"] == "forbidden"
        assert "Authorization: Bearer" in reply.json["error"]["message"]

    @pytest.mark.parametrize(
        "scheme",
        [
            "Bearer not-the-token",
            "Bearer ",
            "Bearer",
            "Bearer {token}x",
            "Bearer x{token}",
            "Bearer {token} {token}",
            "Basic {token}",
            "Digest {token}",
            "{token}",
            "",
            "Bearer \xe9\xff",
        ],
    )
    def test_refuses_another_token_and_another_scheme(
        self, scheme: str, method: str, path: str, server: Server
    ):
        given = {"Authorization": scheme.format(token=server.home.token())}
        assert server.call(method, path, headers=given).status == 401

    def test_refuses_before_it_reads(self, method: str, path: str, server: Server):
        reply = server.call(method, path, raw=b"{not json", token=None)
        assert reply.status == 401

    def test_opens_with_the_token(self, method: str, path: str, server: Server):
        """An empty body may be wrong, but is no longer forbidden.

        The collector's addresses take write keys: to them the token is one more unknown key.
        """
        body = {"sources": []} if path == "/v1/sync" else {"events": 1} if "demo" in path else {}
        reply = server.call(method, path, body if method == "POST" else None)
        assert reply.status in ((401,) if path in PATHS else (200, 422))


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER", "token", "Token"])
def test_the_words_bearer_and_token_may_be_written_as_one_likes(scheme: str, server: Server):
    given = {"Authorization": f"{scheme} {server.home.token()}"}
    assert server.call("GET", "/v1/metrics", headers=given).status == 200


def test_no_cookie_and_no_query_signs_anybody_in(server: Server):
    token = server.home.token()
    names = ("token", "Authorization", "jupyterhub-hub-login", "analyticspro-8750")
    given = {"Cookie": "; ".join(f"{name}={token}" for name in names)}
    for path in ("/v1/metrics", f"/v1/metrics?token={token}"):
        assert server.call("GET", path, headers=given, token=None).status == 401


def test_the_owner_s_token_opens_nothing_by_the_hub_s_proxy(server: Server):
    assert server.call("GET", "/services/api/healthz", token=None).status == 200
    assert server.call("GET", "/services/api/v1/metrics").status == 401


@pytest.mark.parametrize("path", ["/healthz", "/v1/metrics", "/nowhere", "/v1/track"])
@pytest.mark.parametrize("token", ["", None])
def test_an_answer_is_no_page_and_stays_nowhere(path: str, token: str | None, server: Server):
    found = {
        name.lower(): text for name, text in server.call("GET", path, token=token).headers.items()
    }
    assert found["content-security-policy"] == (
        "default-src 'none'; frame-ancestors 'none'; sandbox"
    )
    assert found["x-content-type-options"] == "nosniff"
    assert found["cache-control"] == "no-store"
    assert found["referrer-policy"] == "no-referrer"


def test_a_route_that_does_not_say_what_it_needs_cannot_be_made():
    with pytest.raises(DefinitionError, match="/open does not say what it needs"):

        @guard.router().get("/open")
        def forgotten() -> None: ...


def test_nor_one_that_needs_what_there_is_not():
    with pytest.raises(DefinitionError, match="does not say what it needs"):

        @guard.router().get("/open", openapi_extra={"x-needs": "nothing"})
        def mistaken() -> None: ...


def test_an_app_with_a_route_that_does_not_ask_cannot_be_made():
    app = _app()
    plain = APIRouter()

    @plain.get("/open")
    def unguarded() -> None: ...

    app.include_router(plain, prefix="/v1")
    with pytest.raises(DefinitionError, match="/open is not guarded"):
        guard.check(app)


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/redoc", "/openapi.json", "/v1", "/v1/", "/healthz/", "/readyz/x",
     "/v1/../healthz", "//healthz", "/v1/query/../../healthz", "/%2e%2e/healthz"],
)  # fmt: skip
def test_what_is_not_a_route_is_not_told_from_one(path: str, server: Server):
    assert server.call("GET", path, token=None).status == 401


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/nowhere"])
def test_the_framework_s_own_pages_are_off(path: str, server: Server):
    reply = server.call("GET", path)
    assert reply.status == 404
    assert reply.json["error"]["code"] == "definition"


def test_a_wrong_method_is_refused_in_the_same_form(server: Server):
    reply = server.call("GET", "/v1/query")
    assert reply.status == 405
    assert reply.headers["allow"] == "POST"
    assert "GET /v1/query" in reply.json["error"]["message"]
