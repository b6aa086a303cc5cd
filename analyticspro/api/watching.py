"""Long answers end when the right to them does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analyticspro.api.callers import FRESH_FOR_S, Caller
from analyticspro.api.gate import refusal
from analyticspro.api.guard import note, still_may
from analyticspro.errors import AnalyticsProError, Forbidden
from analyticspro.policy import Grant

__all__ = ["Again", "Watched"]

# Asks again who it is; None if nobody any more.
Again = Callable[[], Awaitable[Caller | None]]

_PATIENCE = 1.5  # nine seconds from the hub's last word on; with what is between, below ten
_PAUSE_S = 0.5
_LINES = b"application/x-ndjson"


class Watched:
    """Has the hub confirm, every six seconds, that what is being answered may be.

    Data policies are looked at anew likewise. A sync ends after the batch at hand; a query ends
    where it stands. While the hub does not answer nothing is confirmed, and after nine seconds
    it ends just so.
    """

    def __init__(self, app: ASGIApp, *, every_s: float = FRESH_FOR_S) -> None:
        self._app = app
        self._every_s = every_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for as long as it may be."""
        caller: Caller | None = scope.get("state", {}).get("identity")
        if caller is None or caller.is_owner:
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        task = asyncio.current_task()
        assert task is not None
        lost: list[AnalyticsProError] = []

        async def watch() -> None:
            lost.append(await _until_lost(scope, caller, self._every_s))
            task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not lost:
                raise
            task.uncancel()
            note(scope, caller, f"Ended while it was being answered. {lost[0]}")
            await answer.end(lost[0], scope, receive)
        finally:
            watcher.cancel()


async def _until_lost(scope: Scope, caller: Caller, every_s: float) -> AnalyticsProError:
    """Return once the caller may no longer have it, with the reason."""
    again: Again = scope["state"]["again"]
    confirmed_at = caller.confirmed_at
    pause_s = confirmed_at + every_s - time.monotonic()
    while True:
        await asyncio.sleep(max(pause_s, 0.01))
        try:
            found = await again()
        except Forbidden as error:
            return error
        except AnalyticsProError as error:  # the hub or the state database does not answer
            if time.monotonic() > confirmed_at + every_s * _PATIENCE - _PAUSE_S:
                return error
            pause_s = _PAUSE_S
            continue
        if found is None:
            return Forbidden("Refused: the token has expired or was revoked meanwhile.")
        decision = still_may(found, scope)
        if not decision.allowed:
            return Forbidden(decision.reason)
        if not _bare(caller) <= _bare(found):
            return Forbidden("Refused: what you are granted was changed meanwhile. Ask again.")
        confirmed_at = found.confirmed_at
        pause_s = confirmed_at + every_s - time.monotonic()


def _bare(caller: Caller) -> set[Grant]:
    """Return what a caller is granted, whatever the grants are called."""
    return {replace(grant, name="") for grant in caller.scope.grants}


class _Answer:
    """Watches an answer go by, so as to know how it can be ended."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = self._is_done = False
        self._type = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            self._type = dict(message["headers"]).get(b"content-type", b"")
        elif message["type"] == "http.response.body":
            self._is_done = not message.get("more_body", False)
        await self._send(message)

    async def end(self, error: AnalyticsProError, scope: Scope, receive: Receive) -> None:
        """Tell the reason where it can still be told.

        Raises:
            AnalyticsProError: It cannot; the server breaks the connection off.
        """
        if scope["type"] != "http":
            await self._send({"type": "websocket.close", "code": 1008})
        elif not self._has_begun:
            status = 403 if isinstance(error, Forbidden) else 503
            await refusal(error, status)(scope, receive, self._send)
        elif self._type.startswith(_LINES):
            line = json.dumps({"error": error.payload()}).encode() + b"\n"
            await self._send({"type": "http.response.body", "body": line})
        elif not self._is_done:
            raise error
