"""Running a report: parameters, execution, one file."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from analyticspro import clock, notebooks
from analyticspro.config import Home, environment
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.reporting.parameters import bind

__all__ = ["run_report"]

Progress = Callable[[int, int], None]
_FORMS = ("html",)
# What a report's kernel may find of this process' environment: a source's key is not there.
_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|VIRTUAL_ENV|CONDA_PREFIX"
    r"|(DY)?LD_LIBRARY_PATH|PYTHONPATH|PYTHONPYCACHEPREFIX|SYSTEMROOT"
    r"|ANALYTICSPRO_(NAME|TIMEZONE|WEEK_START|CURRENCY|HOST|PORT|API_PORT|DEMO)"
)


def run_report(
    home: Home,
    name: str,
    parameters: Mapping[str, str],
    to: str = "html",
    output: Path | None = None,
    *,
    progress: Progress = lambda done, total: None,
    shipped: Path | None = None,
) -> Path:
    """Run a report notebook and return the file it was written to.

    The executed notebook is kept in `reports` of the home, as the run's record. The file
    appears whole or not at all; one that was there before stays if the run fails.

    Args:
        home: The workspace that the report asks.
        name: Of a notebook in `notebooks/reports`.
        parameters: Parameter to value as text; what is left out has the notebook's default.
        to: `html`.
        output: Where to write; by default `NAME-PERIOD.html` in the working folder.
        progress: Told (cells done, cells in all).
        shipped: A report notebook to run instead of the one called `name`.

    Raises:
        UnknownName: No such report, form or parameter, with the nearest.
        DefinitionError: An ill-typed value, or a cell that failed.
        AnalyticsProError: What the notebook itself raised.
    """
    if to not in _FORMS:
        raise UnknownName.of("form of report", to, _FORMS)
    notebook = shipped or notebooks.find("reports", name)
    values = bind(notebook, parameters)
    home.prepare()
    period = parameters.get("period", "")
    target = _target(output, f"{name}-{period}" if period else name)
    kept = home.path / "reports" / f"{clock.now():%Y%m%dT%H%M%S-%f}-{name}.ipynb"
    # papermill, nbclient and nbconvert take a second to import, so only for a real run.
    from analyticspro.reporting.execute import execute
    from analyticspro.reporting.render import to_html

    with tempfile.TemporaryDirectory(prefix="analyticspro-report-") as folder:
        execute(
            notebook,
            kept,
            values,
            environment=_kernel_environment(home, Path(folder)),
            folder=Path(folder),
            progress=progress,
        )
    _write(target, to_html(kept, subtitle=period))
    return target


def _kernel_environment(home: Home, folder: Path) -> dict[str, str]:
    """Return the environment of the kernel; it finds the workspace, and no secret."""
    passed = {name: text for name, text in environment().items() if _PASSED_ON.fullmatch(name)}
    return passed | {
        "PATH": passed.get("PATH") or str(Path(sys.executable).parent),
        "ANALYTICSPRO_HOME": str(home.path),
        "IPYTHONDIR": str(folder / "ipython"),
    }


def _target(output: Path | None, name: str) -> Path:
    """Return the file to write; raises before the run what would fail after it."""
    target = output or Path(re.sub(r"[^\w.-]+", "-", name) + ".html")
    target = target.expanduser().absolute()
    if target.is_dir():
        raise DefinitionError(f"{target} is a folder. Name the file to write the report to.")
    if not target.parent.is_dir():
        raise DefinitionError(f"There is no folder {target.parent} to write the report to.")
    if not os.access(target.parent, os.W_OK):
        raise DefinitionError(f"The folder {target.parent} cannot be written to.")
    return target


def _write(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
