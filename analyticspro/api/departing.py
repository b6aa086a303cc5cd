"""Work that ends when nobody waits for its answer any more, or may have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from analyticspro.warehouse import Ending

__all__ = ["Work"]

T = TypeVar("T")
_AGAIN_S = 0.05


class Work:
    """What is worked out in threads, each for one request."""

    def __init__(self) -> None:
        self._doing: set[asyncio.Future[Any]] = set()
        self._ended: set[asyncio.Task[None]] = set()  # else nothing would hold them

    @property
    def count(self) -> int:
        """How many threads are at it, those included whose answer nobody waits for any more."""
        return len(self._doing)

    async def of(self, request: Request, work: Callable[[], T], ending: Ending) -> T:
        """Return what `work`, in a thread, gives; `ending` ends it when whoever asked is gone.

        So it does where this is cancelled: the right to the answer was lost, or the service
        stops.
        """
        doing = asyncio.ensure_future(run_in_threadpool(work))
        self._doing.add(doing)
        doing.add_done_callback(self._done)
        departure = asyncio.ensure_future(_departed(request))
        try:
            await asyncio.wait({doing, departure}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                await _end(doing, ending)
            return doing.result()
        finally:
            departure.cancel()
            if not doing.done():
                ending.end()
                task = asyncio.create_task(_end(doing, ending))
                self._ended.add(task)
                task.add_done_callback(self._ended.discard)

    def _done(self, doing: asyncio.Future[Any]) -> None:
        self._doing.discard(doing)
        if not doing.cancelled():
            doing.exception()  # of which nobody may wait to hear


async def _end(doing: asyncio.Future[Any], ending: Ending) -> None:
    """End the work; return once it has."""
    while not doing.done():
        ending.end()
        await asyncio.wait({doing}, timeout=_AGAIN_S)


async def _departed(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
