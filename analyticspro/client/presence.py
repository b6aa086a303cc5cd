"""Whether the api of a home runs, and where: what it wrote of itself, and who is to read it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from analyticspro.config import Home

__all__ = ["Presence", "announced", "presence"]


@dataclass(frozen=True)
class Presence:
    """Where an api answers, and its process."""

    url: str
    pid: int


def presence(home: Home) -> Presence | None:
    """Return where the api of `home` runs; None if it does not.

    A hard kill leaves its file behind, so the process is looked for as well: the port may be
    another's by now, who must not be sent this home's token.
    """
    try:
        told = json.loads(home.api_file.read_text())
        found = Presence(str(told["url"]), int(told["pid"]))
        os.kill(found.pid, 0)  # sends nothing: asks whether there is such a process of ours
    except (OSError, OverflowError, ValueError, KeyError, TypeError):
        return None
    return found


@contextmanager
def announced(home: Home, url: str) -> Iterator[None]:
    """Say that this process is the api of `home`, for as long as it runs."""
    draft = home.api_file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(Presence(url, os.getpid()))))
    draft.replace(home.api_file)
    try:
        yield
    finally:
        home.api_file.unlink(missing_ok=True)
