"""What every request must pass before anything else is done for it, and how it is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from fastapi import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from analyticspro.api.callers import Caller, Callers
from analyticspro.api.denials import Denials
from analyticspro.api.granted import Granted
from analyticspro.api.viewing import Viewings
from analyticspro.client.viewing import HEADER
from analyticspro.errors import (
    AnalyticsProError,
    DefinitionError,
    Forbidden,
)

__all__ = ["LARGEST_BODY", "OPEN", "Gate", "origin", "refusal", "too_large"]

LARGEST_BODY = 1 << 20  # bytes
OPEN = frozenset({"/healthz", "/readyz"})
_BY_PASSWORD = "/v1/packages/"


def refusal(
    error: AnalyticsProError, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer that carries `error`: `{"error": {"code": …, "message": …}}`."""
    content = json.dumps({"error": error.payload()})
    return Response(content, status, headers, media_type="application/json")


class Gate:
    """Lets in whoever is known, with a body that says it is of a sane size.

    It stands before the routes, so that none can be added unguarded, and before the body is
    looked at, so that nobody unknown makes the service work. (A body that does not say its
    size is counted as it is read, by the framework.) Who is known comes from the header
    `Authorization` alone. A browser sends that by itself for no page: there is no cookie that
    another site could have it send.
    """

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        granted: Granted,
        denials: Denials,
        own: Mapping[str, ASGIApp] | None = None,
        viewings: Viewings | None = None,
    ) -> None:
        """Make the gate.

        Args:
            app: What is behind it.
            callers: Knows whose a token is.
            granted: Knows what they may see.
            denials: Takes note of whoever is not let in.
            own: Who answers a path instead, and checks who asks, before the body is read.
            viewings: Knows who looks as somebody else; None where nobody can.
        """
        self._app = app
        self._callers = callers
        self._granted = granted
        self._denials = denials
        self._own = own or {}
        self._viewings = viewings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] in self._own and not _as_another(scope):
            scope.setdefault("state", {})["route"] = scope["path"]  # for the log
            await self._own[scope["path"]](scope, receive, send)
        else:
            answer = await self._refused(scope)
            if answer is None:
                await self._app(scope, receive, send)
            else:
                await _refuse(scope, receive, send, answer)

    def _viewed(self, caller: Caller, scope: Scope) -> Caller:
        if not _as_another(scope):
            return caller
        if self._viewings is None:
            raise Forbidden("Refused: here nobody looks as somebody else.")
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        method = scope.get("method", "WEBSOCKET")
        try:
            return self._viewings.narrowed(caller, headers, method, scope["path"])
        except Forbidden as error:
            asked = f"{method} as somebody else"
            self._denials.note(caller.name, origin(scope), asked, str(error))
            raise

    async def _refused(self, scope: Scope) -> Response | None:
        """Return the refusal; None if whoever asks is let in, and then noted in the scope."""
        state = scope.setdefault("state", {})
        token, is_local = _token(scope), not state.get("by_proxy", False)

        async def again() -> Caller | None:
            found = await self._callers.of(token, is_local=is_local)
            found = None if found is None else self._viewed(found, scope)
            return found and await self._granted.to(found, is_fresh=True)

        try:
            caller = await self._callers.of(token, is_local=is_local)
            caller = None if caller is None else self._viewed(caller, scope)
            caller = caller and await self._granted.to(caller)
        except Forbidden as error:
            return refusal(error, 403)
        except AnalyticsProError as error:  # the hub or the state database does not answer
            self._denials.counts["unavailable"] += 1
            return refusal(error, 503, {"Retry-After": "2"})
        if caller is None:
            if token:
                reason = "Refused: nobody has this token, or has it any more."
                self._denials.note("anonymous", origin(scope), "the api", reason)
            return _not_known()
        if _size(scope) > LARGEST_BODY:
            return too_large()
        state |= {"identity": caller, "again": again, "caller": caller.name}
        return None


def _as_another(scope: Scope) -> bool:
    return HEADER.lower().encode() in dict(scope["headers"])


def origin(scope: Scope) -> str:
    """Return the network address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _token(scope: Scope) -> str:
    """Return the token in the header `Authorization`, as Bearer or Token; empty without one.

    An installer of packages has no other way than a password. Nowhere else does one count: a
    browser that was once told it would send it by itself.
    """
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "basic" and scope["path"].startswith(_BY_PASSWORD):
        return _password(token)
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


def _password(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode("latin-1").partition(":")[2]
    except ValueError:
        return ""


def too_large() -> Response:
    """Return the refusal of a body that is too large."""
    error = DefinitionError(f"The request is larger than {LARGEST_BODY:,} bytes. Send less.")
    return refusal(error, 413)


def _not_known() -> Response:
    error = Forbidden(
        "This needs a token: send 'Authorization: Bearer <token>', with an API key of yours or "
        "the workspace's own token. This one, if there was one, is nobody's, or no longer."
    )
    return refusal(error, 401, {"WWW-Authenticate": "Bearer"})


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})


def _size(scope: Scope) -> int:
    told = dict(scope["headers"]).get(b"content-length", b"0")
    return int(told) if told.isdigit() else 0
