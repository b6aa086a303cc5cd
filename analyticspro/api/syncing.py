"""Runs syncs beside the answers that report them, line by line."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from analyticspro.errors import AnalyticsProError, Stopped
from analyticspro.ingest import Progress

__all__ = ["Load", "Loads", "Told"]


class Told(Protocol):
    """What a load did."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""


Load = Callable[[Callable[[Progress], None]], Sequence[Told]]
_SIGN_OF_LIFE_EVERY_S = 10.0


class Loads:
    """The syncs at work, each in a thread of its own."""

    def __init__(self) -> None:
        self._running: dict[threading.Thread, threading.Event] = {}

    async def lines(self, load: Load) -> AsyncIterator[str]:
        """Run `load` and yield its progress and at last its reports, a JSON object a line.

        `{"progress": …}` any number of times, then `{"reports": […]}` or `{"error": …}`;
        an empty line is a sign of life. When the reader goes away the sync ends after the
        batch at hand, which stays committed.
        """
        messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        gone = threading.Event()

        def tell(message: dict[str, object]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(messages.put_nowait, message)

        worker = threading.Thread(target=_work, args=(load, tell, gone), name="sync")
        self._running[worker] = gone
        worker.start()
        try:
            while True:
                try:
                    message = await asyncio.wait_for(messages.get(), _SIGN_OF_LIFE_EVERY_S)
                except TimeoutError:
                    yield "\n"
                    continue
                yield json.dumps(message) + "\n"
                if "progress" not in message:
                    return
        finally:
            gone.set()
            self._running = {w: event for w, event in self._running.items() if w.is_alive()}

    async def end(self) -> None:
        """End those still at work, after the batch at hand: the warehouse is to be closed."""
        for worker, gone in list(self._running.items()):
            gone.set()
            await asyncio.to_thread(worker.join)


def _work(load: Load, tell: Callable[[dict[str, object]], None], gone: threading.Event) -> None:
    def step(progress: Progress) -> None:
        if gone.is_set():
            raise Stopped(
                "Stopped: whoever asked for it has gone, or the service is being stopped. "
                "What was committed stays; sync again to go on from there."
            )
        tell({"progress": asdict(progress)})

    try:
        reports = load(step)
        tell({"reports": [report.to_json() for report in reports]})
    except AnalyticsProError as error:
        tell({"error": error.payload()})
    except Exception as error:
        tell({"error": {"code": "error", "message": f"It failed: {error}"}})
        raise
