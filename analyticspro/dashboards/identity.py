"""Who is looking: somebody whom the hub knows, or the owner of the machine.

People come through the hub's proxy and are known by the hub (`hub_identity`). Besides, and
without a hub, `analyticspro link` prints an address with a one-time code; the page server has the
api redeem it and then remembers the browser, as the owner's, in a signed cookie.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from traitlets import Any as AnyTrait
from traitlets import Bytes

from analyticspro.client import presence
from analyticspro.config import Addresses
from analyticspro.dashboards.hub_identity import HubIdentity
from analyticspro.errors import Forbidden, ServiceUnavailable

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from analyticspro.config import Home

__all__ = [
    "SIGNED_IN_FOR_DAYS",
    "CookieIdentity",
    "api_url",
    "cookie_secret",
    "redeem",
    "token_of",
]

SIGNED_IN_FOR_DAYS = 30
_REDEEM_TIMEOUT_SECONDS = 10


def cookie_secret(home: Home) -> bytes:
    """Return the key that signs the cookies of a home, made at first use.

    It is kept, so that a restart signs nobody out; deleting the file signs everybody out.
    """
    file = home.path / "cookie_secret"
    if not file.exists():
        home.make_secret(file)
    file.chmod(0o600)
    return file.read_text().strip().encode()


def token_of(home: Home, identity: CookieIdentity, request: HTTPServerRequest) -> str | None:
    """Return the token of who sent a request: what the page's figures are asked for with.

    That of the owner for the owner's cookie; else the person's own, which has no more right than
    the person. Whether it still counts, the gate asked a few seconds ago, and the api asks too.
    """
    if identity.name_in(request) is not None:
        return home.token()
    return identity.hub.token_in(request)


class CookieIdentity(IdentityProvider):
    """Knows a visitor by a signed cookie alone: the owner's own, or that of a hub's token."""

    secret = Bytes(help="Signs the cookie.").tag(config=True)
    hub: HubIdentity = AnyTrait(help="Knows who comes through the hub's proxy.")  # type: ignore[assignment]

    @classmethod
    def for_port(cls, port: int, secret: bytes, **traits: Any) -> CookieIdentity:
        """Return the provider of the server on `port`.

        The port is part of the cookie's name: browsers share cookies between the ports of
        a host, and two workspaces side by side must not sign each other out.
        """
        return cls(
            secret=secret,
            cookie_name=f"analyticspro-{port}",
            cookie_options={"expires_days": SIGNED_IN_FOR_DAYS, "samesite": "Lax"},
            get_secure_cookie_kwargs={"max_age_days": SIGNED_IN_FOR_DAYS},
            token="",
            **traits,
        )

    @property
    def login_available(self) -> bool:
        """Never: there is no form to fill in."""
        return False

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return no routes: the server adds its own."""
        return []

    async def get_user(self, handler: web.RequestHandler) -> User | None:
        """Return who a cookie says, None without a valid one."""
        name = self.name_in(handler.request)
        if name is None and (token := self.hub.token_in(handler.request)) is not None:
            viewer = await self.hub.who(token)
            name = viewer.name if viewer is not None and viewer.may_look else None
        return None if name is None else User(username=name)

    def sign_in(self, handler: web.RequestHandler, name: str) -> None:
        """Remember the browser that sent this request as `name`."""
        self.set_login_cookie(handler, User(username=name))

    def user_to_cookie(self, user: User) -> str:
        """Return what the cookie says of a visitor: the name, nothing else."""
        return user.username

    def user_from_cookie(self, cookie_value: str) -> User | None:
        """Return the visitor that a cookie tells of."""
        return User(username=cookie_value) if cookie_value else None

    def name_in(self, request: HTTPServerRequest) -> str | None:
        """Return the visitor's name if the request carries the owner's valid cookie."""
        cookie = request.cookies.get(self.cookie_name)
        if cookie is None:
            return None
        value = web.decode_signed_value(
            self.secret, self.cookie_name, cookie.value, max_age_days=SIGNED_IN_FOR_DAYS
        )
        return value.decode() if value else None


def api_url(home: Home) -> str:
    """Return where the home's api answers: as it wrote itself, else as the settings say."""
    found = presence(home)
    return (
        found.url if found else f"http://{Addresses.of(home).inner_host}:{home.settings.api_port}"
    )


async def redeem(home: Home, code: str) -> str:
    """Return the name of the person whom a one-time code signs in; the code is then used up.

    Raises:
        Forbidden: The code is wrong, expired or was used before.
        ServiceUnavailable: The api does not answer.
    """
    request = HTTPRequest(
        f"{api_url(home)}/v1/links/redeem",
        method="POST",
        headers={"Authorization": f"Bearer {home.token()}", "Content-Type": "application/json"},
        body=json.dumps({"code": code}),
        request_timeout=_REDEEM_TIMEOUT_SECONDS,
        connect_timeout=_REDEEM_TIMEOUT_SECONDS,
    )
    try:
        response = await AsyncHTTPClient().fetch(request)
        return str(json.loads(response.body)["name"])
    except HTTPClientError as error:
        if error.code in (400, 403, 404, 410, 422):
            raise Forbidden("This link was used before, or is too old, or is not whole.") from None
        raise ServiceUnavailable(f"The api answered {error.code} to a sign-in.") from None
    except (OSError, ValueError, KeyError) as error:
        raise ServiceUnavailable(f"The api does not answer at {api_url(home)}.") from error
