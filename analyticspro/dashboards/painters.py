"""The processes that draw a page server's charts, and the drawings that are kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue

from analyticspro.dashboards.draw import PaintError

__all__ = ["Painters"]

_PAINTERS = 2
_LONGEST_S = 20.0
_KEPT = 1000

Drawn = str | PaintError


class Painters:
    """Draws each specification once, however many ask for it at the same time.

    A specification holds its data and its size, so a drawing is right for whoever has the same.
    """

    def __init__(self, environment: Mapping[str, str], count: int = _PAINTERS) -> None:
        self._drawings: OrderedDict[str, Future[Drawn]] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="painter")
        self._idle: SimpleQueue[_Painter] = SimpleQueue()
        self._all = [_Painter(environment) for _ in range(count)]
        for painter in self._all:
            self._idle.put(painter)

    def paint(self, specs: Sequence[str]) -> list[Drawn]:
        """Return the drawings of specifications, in their order; waits for them."""
        return [future.result() for future in [self._drawing(spec) for spec in specs]]

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for painter in self._all:
            painter.end()

    def _drawing(self, spec: str) -> Future[Drawn]:
        with self._lock:
            found = self._drawings.get(spec)
            if found is not None and not _has_failed(found):
                self._drawings.move_to_end(spec)
                return found
            future = self._drawings[spec] = self._threads.submit(self._paint, spec)
            while len(self._drawings) > _KEPT:
                self._drawings.popitem(last=False)
            return future

    def _paint(self, spec: str) -> Drawn:
        painter = self._idle.get()
        try:
            return painter.paint(spec)
        finally:
            self._idle.put(painter)


def _has_failed(future: Future[Drawn]) -> bool:
    return future.done() and isinstance(future.result(), PaintError)


class _Painter:
    """One process, started at once and again after it has died."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "analyticspro.dashboards.painter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )

    def paint(self, spec: str) -> Drawn:
        if self._process.poll() is not None:
            self.end()
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = threading.Timer(_LONGEST_S, process.kill)
        deadline.start()
        try:
            process.stdin.write(json.dumps(spec).encode() + b"\n")
            process.stdin.flush()
            drawn = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            process.kill()
            process.wait()
            return PaintError("Its chart could not be drawn. Try again.")
        finally:
            deadline.cancel()
        return drawn if isinstance(drawn, str) else PaintError(f"It is no chart: {drawn['error']}")

    def end(self) -> None:
        process = self._process
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
