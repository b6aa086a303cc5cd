"""What the api tells of changes, as it is told to one viewer's token."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyticspro.dashboards.gathering import Api, Reply, Wanted
from analyticspro.errors import ServiceUnavailable, from_payload

if TYPE_CHECKING:
    import httpx

__all__ = ["Change", "Changes"]

_SILENT_FOR_S = 25.0  # a sign of life comes every ten
_KEPT = 64


@dataclass(frozen=True)
class Change:
    """What a viewer sees is another now.

    Attributes:
        revision: The newest commit in it.
        mark: SHA-256 of what the api answers to this viewer.
        now: Wall-clock time in the workspace's zone, ISO.
    """

    revision: int
    mark: str
    now: str


class Changes:
    """Follows the api, one answer without an end for each viewer's token and page.

    What a change is of is fetched once for all who were told the same mark, each under their
    own token: the mark is that of the very bytes, so nobody gets any that the api would not
    have given them.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._client: httpx.AsyncClient | None = None
        self._fetched: OrderedDict[str, asyncio.Task[Reply]] = OrderedDict()

    async def follow(
        self, token: str, wanted: Wanted, more: Mapping[str, str]
    ) -> AsyncGenerator[Change]:
        """Yield the newest at first, then each change.

        Raises:
            AnalyticsProError: The right to it is lost, or the api is away.
        """
        import httpx

        headers = {"Authorization": f"Bearer {token}", **more}
        url = f"{self._api.address}/v1/figures/changes"
        try:
            async with self._connected().stream(
                "POST", url, json=wanted.to_json(), headers=headers
            ) as answer:
                if answer.status_code != 200:
                    raise _told(await answer.aread(), answer.status_code)
                async for line in answer.aiter_lines():
                    if line:
                        yield _change(line)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"The api is away ({type(error).__name__}).") from None
        raise ServiceUnavailable("The api has stopped.")

    async def reply(
        self, change: Change, token: str, wanted: Wanted, more: Mapping[str, str]
    ) -> Reply:
        """Return what was told of by a change; raises AnalyticsProError."""
        task = self._fetched.get(change.mark)
        if task is None or (task.done() and not _is_of(task, change.mark)):
            marked = {**more, "Analyticspro-Mark": change.mark}
            task = asyncio.ensure_future(self._api.figures(token, wanted, marked))
            self._fetched[change.mark] = task
            while len(self._fetched) > _KEPT:
                self._fetched.popitem(last=False)
        await asyncio.wait({task})
        if _is_of(task, change.mark):
            return Reply(task.result().body, change.now)
        # By now it is another. What was fetched may be for another's eyes: ask for oneself.
        return await self._api.figures(token, wanted, more)

    async def close(self) -> None:
        """Let go of the api."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
                timeout=httpx.Timeout(10.0, read=_SILENT_FOR_S, pool=None),
                trust_env=False,
            )
        return self._client


def _is_of(task: asyncio.Task[Reply], mark: str) -> bool:
    """Return whether what was fetched is what the mark is of, to the byte."""
    if task.cancelled() or task.exception() is not None:
        return False
    return hashlib.sha256(task.result().body).hexdigest() == mark


def _change(line: str) -> Change:
    told = json.loads(line)
    if "error" in told:
        raise from_payload(told["error"])
    return Change(int(told["revision"]), str(told["mark"]), str(told["now"]))


def _told(body: bytes, status: int) -> Exception:
    try:
        return from_payload(json.loads(body)["error"])
    except (KeyError, TypeError, ValueError):
        return ServiceUnavailable(f"The api answered {status}. Try again.")
