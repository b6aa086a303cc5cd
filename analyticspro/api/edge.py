"""What stands before everything else: the proxy's prefix taken off, browsers' guards put on."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PREFIX", "Edge"]

PREFIX = "/services/api"  # where the hub's proxy leads here from

# Nothing here is a page: should a browser open an answer as one, it runs, loads and shows nothing.
_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Edge:
    """Tells what comes by the hub's proxy from what comes from this machine.

    The owner's token opens nothing by the proxy: it is for the machine itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(f"{PREFIX}/"):
            shorter = {"path": path.removeprefix(PREFIX), "raw_path": None}
            scope = {**scope, **shorter}
            scope.setdefault("state", {})["by_proxy"] = True

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, headed)
