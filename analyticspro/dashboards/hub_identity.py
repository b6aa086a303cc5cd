"""Who looks, by the hub: OAuth gives each browser a token of its person's, and no more right.

It is spoken here, not by `jupyterhub.services.auth`: that keeps no last word of a hub that is
down, and puts its own form tokens in place of those by which the pages' kernels are reached.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPServerRequest

from analyticspro.config import Addresses, Home, secret
from analyticspro.errors import DefinitionError, Forbidden, ServiceUnavailable
from analyticspro.policy import Capability, Role, decide, role_of

__all__ = ["HubIdentity", "Viewer"]

# With the time that the hub is given to answer, below the 10 s within which an ended session
# is out.
_FRESH_FOR_S = 4.0
_PATIENCE_S = 3.0
# How long its last word counts while it does not answer: it is started again within seconds.
_TRUSTED_FOR_S = 60.0
_MOST_KNOWN = 4096
_ON_THE_WAY_S = 600
_CLIENT = "service-dashboards"


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in at the hub.

    Attributes:
        name: What the hub calls the person.
        may_look: Whether dashboards are for the person's role.
        role: None of who has none, or two.
    """

    name: str
    may_look: bool
    role: Role | None = None


class HubIdentity:
    """Knows visitors who come through the hub's proxy by the token in their cookie."""

    def __init__(self, home: Home, cookie_secret: bytes) -> None:
        self._home, self._secret = home, cookie_secret
        self._addresses = Addresses.of(home)
        self._known: dict[bytes, tuple[float, Viewer]] = {}
        self._is_encrypted = self.pages.startswith("https:")
        self._cookie = f"{'__Host-' if self._is_encrypted else ''}analyticspro-pages"

    @property
    def pages(self) -> str:
        """What the addresses of pages begin with, as people see them."""
        return self._addresses.pages

    @property
    def public(self) -> str:
        """What the hub's own begin with."""
        return self._addresses.public

    def is_at_the_gate(self, request: HTTPServerRequest) -> bool:
        """Return whether a request came for the address that the hub's proxy has for pages."""
        return request.host.casefold() == urlsplit(self.pages).netloc.casefold()

    def token_in(self, request: HTTPServerRequest) -> str | None:
        """Return the token that a request's cookie holds; whether it still counts, `who` says."""
        found = self._unsigned(request, self._cookie)
        return found.decode() if found else None

    async def who(self, token: str) -> Viewer | None:
        """Return whose token it is, asked of the hub a few seconds ago at most; None if nobody's.

        Raises:
            ServiceUnavailable: Only the hub can tell, and does not answer.
        """
        digest, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        asked_at, known = self._known.get(digest, (0.0, None))
        if known is not None and now < asked_at + _FRESH_FOR_S:
            return known
        try:
            answer = await self._ask("GET", "/user", {"Authorization": f"token {token}"})
        except ServiceUnavailable:
            if known is not None and now < asked_at + _TRUSTED_FOR_S:
                return known
            raise
        if answer is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[digest] = now, _viewer(answer)
        return self._known[digest][1]

    def begin(self, handler: web.RequestHandler) -> None:
        """Lead a browser to the hub, to come back to where it wanted to go."""
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        told = json.dumps({"to": handler.request.uri, "verifier": verifier})
        self._set(handler, _on_the_way(state), told, max_age=_ON_THE_WAY_S)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "client_id": _CLIENT,
            "redirect_uri": self._redirect,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        handler.redirect(f"{self.public}/hub/api/oauth2/authorize?{urlencode(query)}")

    async def finish(self, handler: web.RequestHandler) -> str:
        """Remember a browser that comes back from the hub; return where it wanted to go.

        Raises:
            Forbidden: It did not leave from here, or the hub does not let it in.
            ServiceUnavailable: The hub does not answer.
        """
        state = handler.get_query_argument("state", "")
        found = self._unsigned(handler.request, _on_the_way(state))
        if not found:
            raise Forbidden("This sign-in was not begun here, or took too long.")
        handler.clear_cookie(_on_the_way(state))
        told = json.loads(found)
        body = {
            "client_id": _CLIENT,
            "client_secret": secret(self._home, "dashboards"),
            "grant_type": "authorization_code",
            "code": handler.get_query_argument("code", ""),
            "redirect_uri": self._redirect,
            "code_verifier": told["verifier"],
        }
        answer = await self._ask("POST", "/oauth2/token", {}, urlencode(body))
        if answer is None:
            raise Forbidden("The hub does not know of this sign-in any more.")
        self._set(handler, self._cookie, str(answer["access_token"]))
        return str(told["to"])

    def forget(self, handler: web.RequestHandler) -> None:
        """Have a browser forget who it was."""
        handler.clear_cookie(self._cookie, secure=self._is_encrypted)

    @property
    def _redirect(self) -> str:
        return f"{self.pages}/oauth_callback"

    def _set(self, handler: web.RequestHandler, name: str, value: str, **more: Any) -> None:
        signed = web.create_signed_value(self._secret, name, value).decode()
        secure = self._is_encrypted
        handler.set_cookie(name, signed, httponly=True, samesite="Lax", secure=secure, **more)

    def _unsigned(self, request: HTTPServerRequest, name: str) -> bytes | None:
        cookie = request.cookies.get(name)
        return web.decode_signed_value(self._secret, name, cookie.value) if cookie else None

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> Mapping[str, Any] | None:
        """Return the hub's answer; None if it refuses."""
        request = HTTPRequest(
            f"{self._addresses.hub}/hub/api{path}",
            method=method,
            headers=headers,
            body=body,
            connect_timeout=_PATIENCE_S,
            request_timeout=_PATIENCE_S,
        )
        try:
            response: HTTPResponse = await AsyncHTTPClient().fetch(request)
            found: Mapping[str, Any] = json.loads(response.body)
            return found
        except HTTPClientError as error:
            if error.code in (400, 401, 403):
                return None
            raise ServiceUnavailable(f"The hub answered {error.code} to a sign-in.") from None
        except (OSError, ValueError) as error:
            raise ServiceUnavailable(f"The hub does not answer ({type(error).__name__}).") from None


def _viewer(told: Mapping[str, Any]) -> Viewer:
    if told.get("kind") != "user":
        return Viewer(str(told.get("name")), may_look=False)
    held = frozenset(map(str, told.get("scopes", ())))
    decision = decide(held, Capability.DASHBOARD_READ, holder=str(told["name"]))
    try:
        role = role_of(list(map(str, told.get("groups", ()))))
    except DefinitionError:
        role = None
    return Viewer(str(told["name"]), may_look=decision.allowed, role=role)


def _on_the_way(state: str) -> str:
    """Return the name of the cookie of one sign-in: another tab may begin another."""
    return f"analyticspro-going-{hashlib.sha256(state.encode()).hexdigest()[:16]}"
