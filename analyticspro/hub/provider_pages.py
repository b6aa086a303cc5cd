"""To the provider and back from it."""

from __future__ import annotations

from typing import Any

from oauthenticator.oauth2 import (
    STATE_COOKIE_NAME,
    OAuthCallbackHandler,
    OAuthLoginHandler,
    _deserialize_state,
)
from tornado.web import HTTPError

from analyticspro.errors import AnalyticsProError, Forbidden, ServiceUnavailable
from analyticspro.hub.pages import Anybody, Page
from analyticspro.hub.provider import Provider, nonce_of
from analyticspro.hub.reception import Reception

__all__ = ["ROUTES"]

_TITLE = "You are not signed in"
_BROKEN_OFF = "The sign-in was broken off, or took too long. Sign in once more."


class _OfProvider(Page, needs=Anybody):
    @property
    def provider(self) -> Provider:
        provider: Provider = self.settings["authenticator"].provider
        return provider

    async def tell(self, error: AnalyticsProError) -> None:
        """Say why nobody was signed in."""
        status = 503 if isinstance(error, ServiceUnavailable) else 403
        await self.show_notice(_TITLE, str(error), status=status)


class ToProvider(_OfProvider, OAuthLoginHandler):  # type: ignore[misc]  # without types
    """Leads to the provider, with state, nonce and PKCE."""

    _nonce = ""

    @property
    def authenticator(self) -> Provider:  # type: ignore[override]  # what leads there reads it
        """The provider; nobody is signed in here."""
        return self.provider

    @property
    def reception(self) -> Reception:
        """The accounts."""
        found: Reception = self.settings["authenticator"].reception
        return found

    async def get(self) -> None:
        """Lead there."""
        try:
            await self.provider.find()
        except AnalyticsProError as error:
            await self.tell(error)
            return
        super().get()

    def _get_next_url(self) -> str:
        return self.after()

    def _generate_pkce_params(self) -> tuple[str, str]:
        verifier, challenge = super()._generate_pkce_params()
        self._nonce = nonce_of(verifier)
        return verifier, challenge

    def authorize_redirect(self, *args: Any, **named: Any) -> None:
        """Lead there, with the nonce."""
        named["extra_params"] = {**named["extra_params"], "nonce": self._nonce}
        super().authorize_redirect(*args, **named)


class FromProvider(_OfProvider, OAuthCallbackHandler):  # type: ignore[misc]  # without types
    """Takes up whoever comes back."""

    async def get(self) -> None:
        """Sign in, and lead to where one was going."""
        try:
            self.check_arguments()
            await self.login_user({"proof": await self.provider.proof(self)})
        except HTTPError:  # what the address tells is not repeated: anybody can write one
            self.clear_cookie(STATE_COOKIE_NAME, path=self.hub.base_url)
            await self.tell(Forbidden(_BROKEN_OFF))
            return
        except AnalyticsProError as error:
            await self.tell(error)
            return
        after = _deserialize_state(self.get_state_cookie()).get("next_url") or ""
        self.clear_cookie(STATE_COOKIE_NAME, path=self.hub.base_url)
        self.redirect(self._validate_next_url(after) or f"{self.hub.base_url}home")


ROUTES: tuple[tuple[str, Any], ...] = (
    (r"/oauth_login", ToProvider),
    (r"/oauth_callback", FromProvider),
)
