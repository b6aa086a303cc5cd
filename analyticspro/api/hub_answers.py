"""What the hub says of a token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable

if TYPE_CHECKING:
    import httpx

__all__ = ["HubAnswers"]

_PATIENCE_S = 3.0
_MOST_AT_ONCE = 16
_MOST_WAITING = 256
_CURE = "Nobody but the owner of the machine is let in meanwhile. Try again in a moment."


class HubAnswers:
    """Asks the hub of a home, on loopback.

    A home that never had a hub asks none: whatever listens on that port would be sent tokens.
    """

    def __init__(self, home: Callable[[], Home]) -> None:
        self._home = home
        self._client: httpx.AsyncClient | None = None
        self._turn = asyncio.Semaphore(_MOST_AT_ONCE)
        self._waiting = 0

    @property
    def exists(self) -> bool:
        """Whether the home has a hub; it may be down."""
        # The hub makes it at its first start, for this service.
        return (self._home().path / "hub" / "api-token").exists()

    async def about(self, token: str) -> Mapping[str, Any] | None:
        """Return what the hub's API tells whoever has `token` of themselves; None if nobody has.

        Raises:
            ServiceUnavailable: The hub does not answer, or too much waits for it.
        """
        if self._waiting >= _MOST_WAITING:
            raise ServiceUnavailable(f"Too many ask at once who they are. {_CURE}")
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE_S), self._turn:
                return await self._asked(token)
        except TimeoutError:
            raise _down(f"It did not answer within {_PATIENCE_S:g} s") from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.aclose()

    async def _asked(self, token: str) -> Mapping[str, Any] | None:
        import httpx  # a tenth of a second, only where there is a hub

        if self._client is None:
            port = self._home().settings.hub_api_port
            # No proxy of the environment's: it would be sent tokens.
            self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        try:
            answer = await self._client.get(
                "/hub/api/user", headers={"Authorization": f"token {token}"}
            )
            if answer.status_code in (401, 403):
                return None
            if answer.status_code != 200:
                raise _down(f"It answered {answer.status_code}")
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _down(type(error).__name__) from None
        return told if isinstance(told, dict) else {}


def _down(why: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"The hub cannot say who you are: {why}. {_CURE}")
