"""The gate before every page: who is not let in gets to no handler, whatever the address."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tornado import httputil, web

from analyticspro.dashboards import handlers
from analyticspro.dashboards.identity import CookieIdentity, token_of
from analyticspro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from analyticspro.dashboards.server import DashboardServer

__all__ = ["FONTS", "GatedApplication"]

_OPEN = frozenset({"/healthz", "/readyz", "/signin", "/oauth_callback"})
FONTS = "/assets/fonts/"  # open too: the sign-in page is set in them
_KERNEL = re.compile(r"/(?:api/kernels|voila/api/shutdown)/(?P<id>[\w-]+)(?:/.*)?")


class GatedApplication(web.Application):
    """Lets nobody past who is not signed in, nor anybody to another's kernel.

    Some of Voilà's own handlers do not ask who is there, so the question comes before them.
    """

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> Any:
        """Return the handler of an address, or the refusal."""
        wanted = super().find_handler(request, **kwargs)
        if request.path in _OPEN or request.path.startswith(FONTS):
            return wanted
        identity: CookieIdentity = self.settings["identity_provider"]
        if not self._is_theirs(request, identity):
            return self.get_handler_delegate(request, handlers.NotFound)
        if identity.name_in(request) is not None:
            return wanted
        token = identity.hub.token_in(request)
        if token is None:
            return self.get_handler_delegate(request, handlers.Refused)
        return _AskFirst(lambda: self._let_in(request, identity, token, wanted))

    async def _let_in(
        self, request: httputil.HTTPServerRequest, identity: CookieIdentity, token: str, wanted: Any
    ) -> Any:
        try:
            viewer = await identity.hub.who(token)
        except ServiceUnavailable:
            return self.get_handler_delegate(request, handlers.NobodyToAsk)
        if viewer is None:
            return self.get_handler_delegate(request, handlers.Refused)
        if not viewer.may_look and request.path != "/signout":
            return self.get_handler_delegate(request, handlers.NoPermission)
        return wanted

    def _is_theirs(self, request: httputil.HTTPServerRequest, identity: CookieIdentity) -> bool:
        found = _KERNEL.fullmatch(request.path)
        server: DashboardServer = self.settings["dashboards"]
        owner = server.kernel_tokens.get(found["id"]) if found else None
        return owner is None or owner == token_of(server.home, identity, request)


class _AskFirst(httputil.HTTPMessageDelegate):
    """Takes a request in, asks, and only then hands it to whoever answers it."""

    def __init__(self, ask: Callable[[], Awaitable[Any]]) -> None:
        self._ask = ask
        self._body: list[bytes] = []
        self._is_gone = False

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(chunk)

    def finish(self) -> None:
        """Ask, now that the request is whole."""
        self._answering = asyncio.ensure_future(self._answer())

    def on_connection_close(self) -> None:
        """Answer nobody who has gone."""
        self._is_gone = True

    async def _answer(self) -> None:
        chosen = await self._ask()
        if self._is_gone:
            return
        for chunk in self._body:
            chosen.data_received(chunk)
        chosen.finish()
