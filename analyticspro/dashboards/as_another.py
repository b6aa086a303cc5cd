"""A page as somebody else sees it: which view goes on in a browser, its banner, and the way out.

The api decides everything (`api.viewing`); here is a cookie with the ticket, which narrows what
its admin sees, and is nothing to anybody else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from analyticspro.client.viewing import headers_for
from analyticspro.dashboards.identity import api_url, token_of

if TYPE_CHECKING:
    from analyticspro.config import Home

__all__ = ["Banner", "EnterView", "LeaveView", "banner", "viewed_as"]

_COOKIE = "analyticspro-view-as"
_LASTS_DAYS = 30 / 1440
_PATIENCE_S = 5
_LONGEST = 100


@dataclass(frozen=True)
class Banner:
    """What stands above a page that is seen as somebody else sees it.

    Attributes:
        until: UTC; None if the api does not answer just now.
    """

    name: str
    role: str
    until: datetime | None

    @property
    def ends_at(self) -> str:
        """When it ends by itself, as a time of day, UTC."""
        return "" if self.until is None else f"{self.until:%H:%M} UTC"


def viewed_as(handler: web.RequestHandler) -> str | None:
    """Return the ticket of the view that goes on in this browser; None for who sees as oneself."""
    value = handler.get_signed_cookie(_COOKIE, max_age_days=_LASTS_DAYS)
    return value.decode() if value else None


async def banner(handler: web.RequestHandler, home: Home, token: str) -> Banner | None:
    """Return what to show above a page; None for who sees as oneself, or whose view is over.

    A view that is over is forgotten, so that the page shows what one sees oneself.

    Args:
        handler: Of the page, before anything is sent.
        home: The workspace.
        token: Of who looks, with which the page's figures are asked for.
    """
    ticket = viewed_as(handler)
    if ticket is None:
        return None
    headers = headers_for(ticket, str(handler.request.path))
    try:
        told = await _asked(home, "/v1/viewing", token, **headers)
        return Banner(told["name"], told["role"], datetime.fromisoformat(told["until"]))
    except HTTPClientError as error:
        if error.code in (401, 403, 422):
            handler.clear_cookie(_COOKIE)
            return None
    except (OSError, ValueError, KeyError):
        pass
    return Banner("somebody else", "", None)


async def _asked(home: Home, path: str, token: str, body: Any = None, **headers: str) -> Any:
    request = HTTPRequest(
        f"{api_url(home)}{path}",
        method="GET" if body is None else "POST",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            **headers,
        },
        body=None if body is None else json.dumps(body),
        request_timeout=_PATIENCE_S,
        connect_timeout=_PATIENCE_S,
    )
    answer = await AsyncHTTPClient().fetch(request)
    return json.loads(answer.body)


class EnterView(JupyterHandler):
    """Where the hub's page leads an admin who looks as somebody else."""

    @web.authenticated
    def get(self) -> None:
        """Keep the ticket, and lead to the start; never to elsewhere."""
        self.set_header("Referrer-Policy", "no-referrer")
        ticket = self.get_query_argument("ticket", "")
        if ticket and len(ticket) <= _LONGEST and ticket.isprintable():
            self.set_signed_cookie(
                _COOKIE, ticket, expires_days=_LASTS_DAYS, httponly=True, samesite="Lax"
            )
        self.redirect("/dashboards/")


class LeaveView(JupyterHandler):
    """The way out."""

    def check_xsrf_cookie(self) -> None:
        """Take a plain form of our own pages for proof enough: the browser names its origin."""
        if not self.check_origin() or "Origin" not in self.request.headers:
            raise web.HTTPError(403)

    @web.authenticated
    async def post(self) -> None:
        """End the view, and lead to the start."""
        ticket = viewed_as(self)
        self.clear_cookie(_COOKIE)
        if ticket is not None:
            home, identity = self.settings["dashboards"].home, self.settings["identity_provider"]
            token = token_of(home, identity, self.request) or ""
            try:
                await _asked(home, "/v1/viewings/end", token, {"ticket": ticket})
            except (HTTPClientError, OSError, ValueError):
                self.log.warning("A view as somebody else could not be ended; it ends by itself.")
        self.redirect("/dashboards/")
