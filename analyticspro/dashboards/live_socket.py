"""The WebSocket of a page that is open: it is sent what has changed, and nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from tornado import web, websocket

from analyticspro.client.viewing import headers_for
from analyticspro.dashboards import as_another
from analyticspro.dashboards.compositions import Composed
from analyticspro.dashboards.identity import token_of
from analyticspro.dashboards.rooms import Crowded
from analyticspro.dashboards.viewing import Look
from analyticspro.dashboards.widths import widths

if TYPE_CHECKING:
    from analyticspro.dashboards.pieces import Marks, Pieces
    from analyticspro.dashboards.server import DashboardServer

__all__ = ["LiveSocket"]

# Codes of our own (RFC 6455, 7.4.2), as assets/declared.js knows them.
NOT_LIVE, NO_RIGHT, CROWDED = 4404, 4403, 4429
_LONGEST_MESSAGE = 1024
_PING_EVERY_S = 20.0


class LiveSocket(websocket.WebSocketHandler):
    """One window of one browser.

    The window says which page it shows, by its mark; it is sent the pieces that are others by
    now, and says when it shows them. Only then is it sent more, and that is the newest: a slow
    one misses what was in between, and nothing piles up.
    """

    _composed: Composed
    _name: str
    _look: Look | None = None
    _shows: str | None = None  # the mark; None while it has not told, or what it was sent
    _waiting: Pieces | None = None

    @property
    def server(self) -> DashboardServer:
        """The server that this request came to."""
        return cast("DashboardServer", self.settings["dashboards"])

    @property
    def ping_interval(self) -> float | None:
        """How often a browser is asked whether it is there, seconds."""
        return _PING_EVERY_S

    @property
    def max_message_size(self) -> int:
        """What a browser may send at most, bytes."""
        return _LONGEST_MESSAGE

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Take the connection, from a page of our own alone."""
        if "Origin" not in self.request.headers:
            raise web.HTTPError(403)
        await super().get(*args, **kwargs)

    async def open(self, *args: str, **_: str) -> None:
        """Find the page."""
        self.set_nodelay(True)
        notebook = self.server.notebooks().get(args[0])
        outcome = notebook and await self.server.compositions.of(notebook)
        if not isinstance(outcome, Composed):
            self.close(NOT_LIVE, "Not a page that is told of changes.")
            return
        self._composed, self._name = outcome, args[0]

    def on_message(self, message: str | bytes) -> None:
        """Take note of what the window shows; at first, enter the room of those who see that."""
        try:
            told = json.loads(message)
            shows, width = str(told["shows"]), str(told.get("width", ""))
        except (AttributeError, KeyError, TypeError, ValueError):
            self.close(1008, "This is not understood.")
            return
        self._shows = shows
        if self._look is None:
            self._enter(width)
        self._send()

    def _enter(self, width: str) -> None:
        if self.ws_connection is None:
            return  # it has gone meanwhile
        given = {
            key: values[-1].decode(errors="replace")
            for key, values in self.request.query_arguments.items()
        }
        ticket = as_another.viewed_as(self)
        more = headers_for(ticket, f"/dashboards/{self._name}")
        token = token_of(self.server.home, self.settings["identity_provider"], self.request)
        request = self._composed.page.asked(given)
        about = (request, widths(width), token or "", tuple(sorted(more.items())))
        look = Look(self._composed, *about)
        try:
            self.server.rooms.enter(look, self)
            self._look = look
        except Crowded:
            self.close(CROWDED, "Too many pages are open.")

    def on_close(self) -> None:
        """Leave."""
        if self._look is not None:
            self.server.rooms.leave(self._look, self)

    def show(self, page: Pieces) -> None:
        """Send a page once the window shows what it was sent before."""
        self._waiting = page
        self._send()

    def say(self, *, is_live: bool) -> None:
        """Say whether changes are told of just now."""
        self._write(json.dumps({"live": is_live}))

    def end(self, reason: str) -> None:
        """Close it: the right to look is lost. Why, the page says when it is loaded again."""
        self._waiting = None
        self.close(NO_RIGHT, "You may not see this any more.")

    def _send(self) -> None:
        page, shows = self._waiting, self._shows
        if page is None or shows is None:
            return
        self._waiting = None
        if shows == page.mark:
            return
        before: Marks = self.server.viewing.marks(shows)
        self._shows = None
        self._write(page.since(shows if before else "", before))

    def _write(self, message: str | bytes) -> None:
        if self.ws_connection is None or self.ws_connection.is_closing():
            return
        writing = self.write_message(message, binary=isinstance(message, bytes))
        # A window that has gone needs no word.
        asyncio.ensure_future(writing).add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )
