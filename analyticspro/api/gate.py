"""What every request must pass before anything else is done for it, and how it is refused."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from fastapi import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden
from analyticspro.policy import OWNER

__all__ = ["LARGEST_BODY", "OPEN", "Gate", "refusal"]

LARGEST_BODY = 1 << 20  # bytes
OPEN = frozenset({"/healthz", "/readyz"})


def refusal(
    error: AnalyticsProError, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer that carries `error`: `{"error": {"code": …, "message": …}}`."""
    content = json.dumps({"error": error.payload()})
    return Response(content, status, headers, media_type="application/json")


class Gate:
    """Lets in who presents the token, with a body that says it is of a sane size.

    It stands before the routes, so that none can be added unguarded, and before the body is
    looked at, so that nobody unknown makes the service work. (A body that does not say its
    size is counted as it is read, by the framework.)
    """

    def __init__(self, app: ASGIApp, token: str, own: Mapping[str, ASGIApp] | None = None) -> None:
        """Make the gate.

        Args:
            app: What is behind it.
            token: What opens it.
            own: Who answers a path instead, and checks who asks, before the body is read.
        """
        self._app = app
        self._token = token.encode()
        self._own = own or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] in self._own:
            scope.setdefault("state", {})["route"] = scope["path"]  # for the log
            await self._own[scope["path"]](scope, receive, send)
        elif not self._is_known(scope):
            await _refuse(scope, receive, send, _not_known())
        elif _size(scope) > LARGEST_BODY:
            await _refuse(scope, receive, send, too_large())
        else:
            scope.setdefault("state", {})["caller"] = OWNER.name  # for the log
            await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, token = given.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)


def too_large() -> Response:
    """Return the refusal of a body that is too large."""
    error = DefinitionError(f"The request is larger than {LARGEST_BODY:,} bytes. Send less.")
    return refusal(error, 413)


def _not_known() -> Response:
    error = Forbidden("This needs the workspace's token: send 'Authorization: Bearer <token>'.")
    return refusal(error, 401, {"WWW-Authenticate": "Bearer"})


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})


def _size(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"0")
    return int(told) if told.isdigit() else 0
