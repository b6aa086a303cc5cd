"""An organisation's own sign-in, by OpenID Connect (oauthenticator, PyJWT)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import time
from typing import Any
from urllib.parse import urlsplit

import jwt
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import _deserialize_state
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from traitlets import default

from analyticspro.accounts import Proof, Provided
from analyticspro.config import Addresses, Home
from analyticspro.errors import AnalyticsProError, Forbidden, ServiceUnavailable, SettingError
from analyticspro.secrets_store import Secrets

__all__ = ["Provider", "nonce_of"]

_SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KNOWN_FOR_S = 3600.0
_PATIENCE_S = 10.0
_LARGEST = 1 << 20  # bytes of an answer
_SKEW_S = 60
_REFUSED = Forbidden("The provider did not confirm who you are. Sign in once more.")


class Provider(GenericOAuthenticator):  # type: ignore[misc]  # published without types
    """The provider of a workspace: where it is, and what it says of whoever comes back from it.

    It is asked for its addresses at the first sign-in, and each hour: the hub starts, and local
    accounts sign in, while it is down.
    """

    def __init__(self, home: Home, **traits: Any) -> None:
        settings = home.settings
        super().__init__(**traits)
        self._home, self._issuer = home, settings.oidc_issuer
        self._found: dict[str, Any] = {}
        self._found_at = -_KNOWN_FOR_S
        self.shown_name = settings.oidc_name
        self.rules = Provided.of(settings)
        self.client_id = settings.oidc_client_id
        self.oauth_callback_url = f"{Addresses.of(home).public}/hub/oauth_callback"
        self.scope = ["openid", "profile", "email"]
        if not self.client_id:
            raise SettingError(f"Setting oidc_client_id is empty in {home.settings_file}. Set it.")
        _check_address("Setting oidc_issuer", self._issuer, SettingError)

    @default("http_client")
    def _default_http_client(self) -> SimpleAsyncHTTPClient:
        return SimpleAsyncHTTPClient(force_instance=True, max_body_size=_LARGEST)

    async def fetch(self, req: HTTPRequest, label: str = "", **more: Any) -> Any:
        """Return the JSON that the provider answers; of what it answers nothing is logged.

        Raises:
            Forbidden: It refuses.
            ServiceUnavailable: It does not answer, or not what it should.
        """
        req.follow_redirects = False
        req.connect_timeout = req.request_timeout = _PATIENCE_S
        try:
            answer = await self.http_client.fetch(req)
            told = json.loads(answer.body)
        except HTTPClientError as error:
            self.log.warning("The provider answered %s at %s", error.code, _bare(req.url))
            if error.code in (400, 401, 403):
                raise _REFUSED from None
            raise self._down(f"It answered {error.code}") from None
        except (OSError, ValueError) as error:
            self.log.warning("The provider failed at %s: %s", _bare(req.url), type(error).__name__)
            raise self._down(type(error).__name__) from None
        if not isinstance(told, dict):
            raise self._down("Its answer is not understood")
        return told

    async def find(self) -> None:
        """Learn where the provider signs in; raises ServiceUnavailable if it does not say."""
        if time.monotonic() < self._found_at + _KNOWN_FOR_S:
            return
        found = await self.httpfetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise self._down("It calls itself otherwise than oidc_issuer does")
        for name in _ENDPOINTS:
            _check_address(f"The provider's {name}", str(found.get(name)), ServiceUnavailable)
        self.authorize_url, self.token_url = found[_ENDPOINTS[0]], found[_ENDPOINTS[1]]
        self._found, self._found_at = found, time.monotonic()

    async def proof(self, handler: Any) -> Proof:
        """Return what the provider says of whoever comes back from it with a code.

        Args:
            handler: Of the request, whose state has been compared with the browser's.

        Raises:
            Forbidden: The code, the signature or a claim is not what it should be.
            ServiceUnavailable: The provider does not answer.
        """
        await self.find()
        self.client_secret = Secrets.open(self._home).get("oidc", "client_secret")
        told = await self.get_token_info(handler, self.build_access_tokens_request_params(handler))
        state = _deserialize_state(handler.get_state_cookie())
        claims = await self._claims(told.get("id_token"), nonce_of(state["code_verifier"]))
        more = await self._more(told["access_token"])
        if more and more.get("sub") != claims["sub"]:
            raise _REFUSED
        return self._proof({**more, **claims})

    async def _claims(self, id_token: Any, nonce: str) -> dict[str, Any]:
        keys = jwt.PyJWKSet.from_dict(await self.httpfetch(self._found["jwks_uri"]))
        try:
            named = jwt.get_unverified_header(id_token).get("kid")
            [key] = [one for one in keys.keys if named is None or one.key_id == named]
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=_SIGNED_BY,
                audience=self.client_id,
                issuer=self._issuer,
                leeway=_SKEW_S,
                options={"require": ["exp", "iat", "sub", "iss", "aud"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            self.log.warning("The provider's ID token is not taken: %s", type(error).__name__)
            raise _REFUSED from None
        is_ours = claims.get("azp", self.client_id) == self.client_id
        if not is_ours or not hmac.compare_digest(
            str(claims.get("nonce")).encode(), nonce.encode()
        ):
            self.log.warning("The provider's ID token is not for this sign-in")
            raise _REFUSED
        return claims

    async def _more(self, access_token: str) -> dict[str, Any]:
        """Return the claims that the provider does not put into its ID token."""
        address = self._found.get("userinfo_endpoint")
        if not address:
            return {}
        _check_address("The provider's userinfo_endpoint", address, ServiceUnavailable)
        headers = {"Authorization": f"Bearer {access_token}"}
        found: dict[str, Any] = await self.httpfetch(address, headers=headers)
        return found

    def _proof(self, claims: dict[str, Any]) -> Proof:
        groups = claims.get(self._home.settings.oidc_role_claim, [])
        groups = groups if isinstance(groups, list) else [groups]
        return Proof(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email") or ""),
            is_verified=claims.get("email_verified") in (True, "true"),
            name=str(claims.get("name") or ""),
            groups=frozenset(map(str, groups)),
        )

    def _down(self, why: str) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"{self.shown_name[:1].upper()}{self.shown_name[1:]} cannot sign you in now: {why}. "
            "Try again in a moment."
        )


def nonce_of(verifier: str) -> str:
    """Return what an ID token has to hold for the sign-in that this PKCE verifier is of.

    Only the browser that began it has the verifier, in a signed cookie.
    """
    return hashlib.sha256(f"nonce {verifier}".encode()).hexdigest()


def _check_address(what: str, url: str, error: type[AnalyticsProError]) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if parts.scheme != "http" or not is_here:
        raise error(f"{what} is {url!r}, which nothing encrypts. It has to begin with https://.")


def _bare(url: str) -> str:
    return url.partition("?")[0]
