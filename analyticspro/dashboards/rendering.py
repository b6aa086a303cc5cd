"""A notebook run for one visitor, written out as the page goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from voila.execute import VoilaExecutor
from voila.notebook_renderer import NotebookRenderer

from analyticspro.errors import AnalyticsProError

__all__ = ["PageFailed", "PageRenderer", "title_of"]

_STILL_WORKING = "<!-- still working -->\n"
_KEEP_ALIVE_SECONDS = 10
_CELL_TIMEOUT_SECONDS = 600
_START_TIMEOUT_SECONDS = 60


class PageFailed(Exception):
    """A page that cannot be shown; `title` and `message` are for the visitor.

    Attributes:
        reason: For the log alone.
    """

    def __init__(self, title: str, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.title = title
        self.message = message
        self.reason = reason


def title_of(notebook: Path) -> str:
    """Return the first heading of a notebook, else the name of its file in words."""
    for cell in _read(notebook).cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return str(line[2:].strip())
    return notebook.stem.replace("_", " ").replace("-", " ").capitalize()


def _read(notebook: Path) -> Any:
    return nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]


class PageRenderer(NotebookRenderer):  # type: ignore[misc]
    """Voilà's renderer, which ends in `PageFailed` where Voilà would show a traceback or hang."""

    async def load_notebook(self, path: str) -> Any:
        """Return the notebook without its title cell, which the page's header says already."""
        notebook = _read(Path(path))
        notebook.metadata.kernelspec = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        if notebook.cells and notebook.cells[0].cell_type == "markdown":
            del notebook.cells[0]
        return notebook

    async def parts(self, kernels: Any, kernel_id: str) -> AsyncIterator[str]:
        """Yield the page from its content on, running the notebook meanwhile.

        Something is yielded at least every ten seconds, so that no proxy gives up.
        """
        stream = self.generate_content_generator(kernel_id, kernels.get_kernel(kernel_id))
        iterator = stream.__aiter__()
        while True:
            step = asyncio.ensure_future(iterator.__anext__())
            try:
                while not (await asyncio.wait({step}, timeout=_KEEP_ALIVE_SECONDS))[0]:
                    yield _STILL_WORKING
                html, _ = step.result()
            except StopAsyncIteration:
                return
            finally:
                step.cancel()
            yield html

    async def _jinja_kernel_start(self, nb: Any, kernel_id: str, kernel_future: Any) -> str:
        self.executor = VoilaExecutor(
            nb,
            km=kernel_future,
            config=self.traitlet_config,
            show_tracebacks=False,
            startup_timeout=_START_TIMEOUT_SECONDS,
            timeout=_CELL_TIMEOUT_SECONDS,
        )
        try:
            self.executor.kc = await self.executor.async_start_new_kernel_client()
        except RuntimeError as error:
            raise PageFailed(
                "This page could not start",
                "Python did not start on the server. Load the page again; if it happens "
                "again, the reason is in the log of the service 'dashboards'.",
                reason=str(error),
            ) from None
        self.kernel_started = True
        return kernel_id

    async def _jinja_cell_generator(self, nb: Any, kernel_id: str) -> AsyncIterator[Any]:
        try:
            for index, cell in enumerate(nb.cells):
                cell.outputs = [] if cell.cell_type == "code" else None
                try:
                    yield await self.executor.execute_cell(cell, None, index, store_history=False)
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    raise _failure(error) from None
        finally:
            await self._cleanup_resources()


def _failure(error: Exception) -> PageFailed:
    if isinstance(error, CellTimeoutError):
        return PageFailed(
            "This page took too long",
            f"A step of it did not end within {_CELL_TIMEOUT_SECONDS // 60} minutes. "
            "A shorter period or fewer filters may help.",
            reason=str(error),
        )
    if isinstance(error, DeadKernelError):
        return PageFailed(
            "This page stopped",
            "Its process on the server ended before it was done, often for want of memory. "
            "Load the page again.",
            reason=str(error),
        )
    if isinstance(error, CellExecutionError) and error.ename in _names(AnalyticsProError):
        return PageFailed("This page cannot be shown", error.evalue, reason=str(error))
    return PageFailed(
        "Something went wrong",
        "The notebook of this page has an error. It is in the log of the service 'dashboards'.",
        reason=str(error),
    )


def _names(root: type[Exception]) -> set[str]:
    return {root.__name__}.union(*(_names(child) for child in root.__subclasses__()))
