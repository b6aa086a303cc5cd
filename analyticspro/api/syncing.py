"""Runs a sync beside the answer that reports it, line by line."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from analyticspro.errors import AnalyticsProError, RetriableError
from analyticspro.ingest import Progress, Report

__all__ = ["lines"]


def lines(load: Callable[[Callable[[Progress], None]], Sequence[Report]]) -> Iterator[str]:
    """Run `load` and yield its progress and at last its reports, a JSON object a line.

    `{"progress": …}` any number of times, then `{"reports": […]}` or `{"error": …}`. When
    the reader goes away the sync ends after the batch at hand, which stays committed.
    """
    messages: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
    gone = threading.Event()

    def step(progress: Progress) -> None:
        if gone.is_set():
            raise RetriableError("Stopped: whoever asked for it has gone.")
        messages.put({"progress": asdict(progress)})

    def work() -> None:
        try:
            reports = load(step)
            messages.put({"reports": [report.to_json() for report in reports]})
        except AnalyticsProError as error:
            messages.put({"error": error.payload()})
        except Exception as error:
            messages.put({"error": {"code": "error", "message": f"It failed: {error}"}})
            raise

    worker = threading.Thread(target=work, name="sync")
    worker.start()
    try:
        while True:
            message = messages.get()
            yield json.dumps(message) + "\n"
            if "progress" not in message:
                return
    finally:
        gone.set()
        worker.join()
