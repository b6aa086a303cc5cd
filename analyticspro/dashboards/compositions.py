"""Which page each notebook declares: composed once per version, for all viewers alike."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from logging import Logger
from pathlib import Path
from typing import Any

from analyticspro.composing import VARIABLE
from analyticspro.dashboards.declaration import page_of
from analyticspro.dashboards.pages import Page
from analyticspro.errors import DefinitionError

__all__ = ["Composed", "Compositions", "Failed", "Outcome", "Undeclared"]

_LONGEST_S = 30.0
_AT_ONCE = 4  # so that one that hangs does not keep the others waiting
_MOST_BYTES = 1 << 20
_FAILED_FOR_S = 60.0
_KEPT = 200


@dataclass(frozen=True)
class Composed:
    """A notebook that only declares a page.

    Attributes:
        key: Its version: another content, or another release of the library, has another.
        page: What it declares, of any viewer, period and filters.
        before: Its words above the page, as Markdown.
        after: Its words below.
    """

    key: str
    page: Page
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Undeclared:
    """A notebook that does more; `reason` says what, to its author."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """A notebook that could not be composed.

    Attributes:
        title: What is the matter, for whoever looks.
        message: In more words.
        reason: For the log alone.
        until: When it is tried again, by the monotonic clock; a machine may just be busy.
    """

    title: str
    message: str
    reason: str
    until: float = 0.0


Outcome = Composed | Undeclared | Failed


class Compositions:
    """Composes notebooks, each version once however many ask, each in a process of its own.

    Args:
        environment: What a composing process finds in its environment; nothing that gives a
            right to data.
        log: Told what could not be composed, and why a notebook is no declaration.
        longest_s: How long one may take, in seconds.
    """

    def __init__(
        self, environment: Mapping[str, str], log: Logger, *, longest_s: float = _LONGEST_S
    ) -> None:
        self._environment = dict(environment)
        self._log = log
        self._longest_s = longest_s
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._seen: dict[Path, tuple[tuple[int, int, int], str, str]] = {}

    async def of(self, notebook: Path) -> Outcome:
        """Return what a notebook is now; raises OSError if it cannot be read."""
        key, text = self._version(notebook)
        task = self._tasks.get(key)
        if task is not None and task.done() and _is_over(task):
            task = None
        if task is None:
            task = asyncio.create_task(self._compose(key, text, notebook))
            self._tasks[key] = task
            while len(self._tasks) > _KEPT:
                self._tasks.pop(next(iter(self._tasks)))
        return await asyncio.shield(task)  # whoever asked may leave; the others still wait

    async def close(self) -> None:
        """End whatever is being composed."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _version(self, notebook: Path) -> tuple[str, str]:
        found = notebook.stat()
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._seen.get(notebook)
        if known is None or known[0] != mark:
            text = notebook.read_text(encoding="utf-8")
            said = f"{metadata.version('analyticspro')}\n{notebook.parent}\n{text}"
            known = mark, hashlib.sha256(said.encode()).hexdigest(), text
            self._seen[notebook] = known
        return known[1:]

    async def _compose(self, key: str, text: str, notebook: Path) -> Outcome:
        cells = _cells(text)
        if isinstance(cells, Failed):
            outcome: Outcome = cells
        elif not any(c["type"] == "code" and "page(" in c["source"] for c in cells):
            outcome = Undeclared("it calls no page()")  # nothing to run it for
        else:
            outcome = await self._run(key, cells, notebook.parent, has_parameters=True)
            if isinstance(outcome, Failed) and any("parameters" in c["tags"] for c in cells):
                # What stands for a parameter is no text, and may be what it stumbled over.
                again = await self._run(key, cells, notebook.parent, has_parameters=False)
                if not isinstance(again, Failed):
                    outcome = Undeclared("it reads its parameters in Python")
        if isinstance(outcome, Failed):
            self._log.error("%s: %s\n%s", notebook.name, outcome.title, outcome.reason)
            return replace(outcome, until=time.monotonic() + _FAILED_FOR_S)
        if isinstance(outcome, Undeclared):
            self._log.info("%s has a kernel for each viewer: %s", notebook.name, outcome.reason)
        return outcome

    async def _run(
        self, key: str, cells: Sequence[Mapping[str, Any]], folder: Path, *, has_parameters: bool
    ) -> Outcome:
        order = json.dumps({"cells": cells, "has_parameters": has_parameters}).encode() + b"\n"
        async with self._room:
            with tempfile.TemporaryDirectory(prefix="analyticspro-compose-") as scratch:
                try:
                    said = await asyncio.wait_for(
                        self._told(order, folder, scratch), self._longest_s
                    )
                except TimeoutError:
                    return _took_too_long(self._longest_s)
        return _outcome(key, said)

    async def _told(self, order: bytes, folder: Path, scratch: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "analyticspro.dashboards.composer"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=self._environment | {"HOME": scratch, "IPYTHONDIR": scratch, VARIABLE: "1"},
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(order)
                await process.stdin.drain()
            said = bytearray()
            while len(said) <= _MOST_BYTES and (more := await process.stdout.read(1 << 16)):
                said += more
            return bytes(said)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it started, too
            await process.wait()


_MISTAKEN = "The notebook of this page has an error. It is in the log of the service 'dashboards'."


def _took_too_long(longest_s: float) -> Failed:
    return Failed(
        "This page took too long",
        f"What its notebook declares was not known within {longest_s:.0f} seconds. One that works "
        "so long should read its data through ap.connect(): then it is run for each viewer.",
        "It was still running, and was ended.",
    )


def _is_over(task: asyncio.Task[Outcome]) -> bool:
    if task.cancelled() or task.exception() is not None:
        return True
    outcome = task.result()
    return isinstance(outcome, Failed) and outcome.until < time.monotonic()


def _cells(text: str) -> list[dict[str, Any]] | Failed:
    """Return the cells of a notebook but its title, which the page's heading says already."""
    import nbformat

    try:
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        cells = [
            {
                "type": cell.cell_type,
                "source": cell.source,
                "tags": list(cell.metadata.get("tags", [])),
            }
            for cell in notebook.cells
        ]
    except (AttributeError, ValueError, TypeError) as error:
        return Failed(
            "Something went wrong", "This is not a notebook that can be read.", str(error)
        )
    return cells[1:] if cells and cells[0]["type"] == "markdown" else cells


def _outcome(key: str, said: bytes) -> Outcome:
    """Return what a composing process told; nothing of it is taken on trust."""
    if not said:
        return Failed("This page stopped", "Its process on the server ended before it was done, "
                      "often for want of memory.", "It ended without a word.")  # fmt: skip
    try:
        told = json.loads(said)
        if "error" in told:
            title = (
                "This page cannot be shown" if told["error"]["message"] else "Something went wrong"
            )
            message = str(told["error"]["message"]) or _MISTAKEN
            return Failed(title, message, str(told["error"]["traceback"]))
        if "reasons" in told:
            return Undeclared(str(told["reasons"][0]))
        return _composed(key, told["shown"])
    except (AttributeError, DefinitionError, KeyError, IndexError, TypeError, ValueError) as error:
        return Failed("Something went wrong", _MISTAKEN, f"It told no page: {error!r}")


def _composed(key: str, shown: Sequence[Mapping[str, Any]]) -> Outcome:
    at = [place for place, item in enumerate(shown) if "page" in item]
    if len(at) != 1:
        return Undeclared(f"it shows {len(at)} pages, not one")
    if any("text" in item for item in shown):
        return Undeclared("it shows values beside its page")
    page = page_of(shown[at[0]]["page"])
    before, after = (
        "\n\n".join(str(item["words"]) for item in part)
        for part in (shown[: at[0]], shown[at[0] + 1 :])
    )
    return Composed(key, page, before, after)
