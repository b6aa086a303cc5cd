"""Signs of life of a process that listens on no port: a file that it writes again and again."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["beat", "beating"]

_EVERY_S = 5.0


def beat(file: Path) -> None:
    """Say that this process is alive now."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"pid": os.getpid(), "at": time.time()}))
    draft.replace(file)


@contextmanager
def beating(file: Path) -> Iterator[None]:
    """Say so every few seconds, however long the work takes; at its end remove the file."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            beat(file)
            is_over.wait(_EVERY_S)

    thread = threading.Thread(target=go_on, name="beating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        file.unlink(missing_ok=True)
