"""A copy of a notebook executed by papermill, with errors as ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from traitlets.config import Config

from analyticspro.errors import AnalyticsProError, DefinitionError, RetriableError

__all__ = ["execute"]

Progress = Callable[[int, int], None]
_ENGINE = "analyticspro"
_CELL_SECONDS = 1800
_START_SECONDS = 120


def execute(
    notebook: Path,
    kept: Path,
    values: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    folder: Path,
    progress: Progress,
) -> None:
    """Write to `kept` a copy of `notebook`, executed with `values` for its parameters.

    After a failure the copy is there too, up to the cell that failed.

    Args:
        notebook: The notebook.
        kept: Where the executed copy goes.
        values: By parameter.
        environment: All that the kernel finds in its environment.
        folder: Where the kernel works.
        progress: Told (cells done, cells in all) after each cell.

    Raises:
        AnalyticsProError: A cell failed: the very error if it was one of ours.
    """
    try:
        execute_notebook(
            str(notebook),
            str(kept),
            parameters=dict(values),
            engine_name=_ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel_environment=dict(environment),
            kernel_folder=str(folder),
            progress=progress,
        )
    except PapermillExecutionError as error:
        raise _as_ours(error, notebook, kept) from None
    # Papermill's own metadata calls these "completed": only the exception is to be trusted.
    except CellTimeoutError:
        raise RetriableError(
            f"Report {notebook.stem!r} was stopped: a cell took longer than "
            f"{_CELL_SECONDS // 60} minutes. Try a shorter period."
        ) from None
    except DeadKernelError:
        raise RetriableError(
            f"Report {notebook.stem!r} stopped: its Python process ended, often for want of "
            "memory. Run it again, or try a shorter period."
        ) from None


class _Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Papermill's own engine, with an environment for the kernel and a word on progress."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            timeout=_CELL_SECONDS,
            startup_timeout=_START_SECONDS,
            resources={"metadata": {"path": options["kernel_folder"]}},
            # Otherwise any process of this machine can listen to what the kernel says.
            config=Config({"KernelManager": {"transport_encryption": "required"}}),
        )
        client.progress = options["progress"]
        return client.execute(env=options["kernel_environment"])


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    progress: Progress

    def execute_cell(self, cell: Any, cell_index: int, *args: Any, **options: Any) -> Any:
        done = super().execute_cell(cell, cell_index, *args, **options)
        self.progress(cell_index + 1, len(self.nb.cells))
        return done


papermill_engines.register(_ENGINE, _Engine)


def _as_ours(error: PapermillExecutionError, notebook: Path, kept: Path) -> AnalyticsProError:
    kinds = _by_name(AnalyticsProError)
    if error.ename in kinds:
        return kinds[error.ename](error.evalue)
    return DefinitionError(
        f"Report {notebook.stem!r} failed in cell {error.cell_index + 1}: "
        f"{error.ename}: {error.evalue}. The notebook as far as it ran is {kept}."
    )


def _by_name(root: type[AnalyticsProError]) -> dict[str, type[AnalyticsProError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _by_name(child)
    return found
