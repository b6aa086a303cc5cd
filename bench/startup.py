"""How long until a process is ready: `import analyticspro`, and a dashboard's kernel."""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 5

# Inside the process: elapsed and CPU-seconds of the statements alone.
PROBE = """
import time
elapsed, cpu = time.perf_counter(), time.process_time()
{statements}
print(time.perf_counter() - elapsed, time.process_time() - cpu)
"""

EVERY_NAME = """
import analyticspro
for _name in analyticspro.__all__:
    getattr(analyticspro, _name)
"""

KERNEL = """
import ipykernel.kernelapp
import ipykernel.ipkernel
import IPython
import ipywidgets
import anywidget
{imports}
"""


def dashboard_imports() -> str:
    """Return the import statements of the dashboard notebooks, as they stand."""
    found: list[str] = []
    for path in sorted((ROOT / "notebooks" / "dashboards").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                for node in ast.parse("".join(cell["source"])).body:
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        found.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(found))


def inside(statements: str) -> tuple[float, float]:
    """Return elapsed and CPU-seconds that `statements` take in a fresh process."""
    code = PROBE.format(statements=statements)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    elapsed, cpu = done.stdout.split()
    return float(elapsed), float(cpu)


def whole(statements: str) -> tuple[float, float]:
    """Return elapsed and CPU-seconds of a whole fresh process, from start to exit."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", statements], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{statements!r} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure all in turn, five times, and print the medians."""
    kernel = KERNEL.format(imports=dashboard_imports()) + EVERY_NAME
    measured: dict[str, Callable[[], tuple[float, float]]] = {
        "bare": lambda: whole("pass"),
        "import": lambda: inside("import analyticspro"),
        "import_whole": lambda: whole("import analyticspro"),
        "names": lambda: inside(EVERY_NAME),
        "kernel": lambda: inside(kernel),
        "kernel_whole": lambda: whole(kernel),
    }
    for run in measured.values():  # the first reading fills the disk cache
        run()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, run in measured.items():
            times[name].append(run())
    seconds = {name: statistics.median(t for t, _ in runs) for name, runs in times.items()}
    cpu = {name: statistics.median(t for _, t in runs) for name, runs in times.items()}

    labels = {
        "bare": "python -c pass, whole process",
        "import": "import analyticspro",
        "import_whole": "import analyticspro, whole process",
        "names": "the same, and every name it exports",
        "kernel": "imports of a dashboard's kernel",
        "kernel_whole": "those imports, whole process",
    }
    aims = {"import": "elapsed <= 0.25", "kernel": "CPU <= 0.8"}
    print(f"{'median of ' + str(ROUNDS):<38}{'elapsed s':>10}{'CPU s':>8}  aim")
    for name, label in labels.items():
        print(f"{label:<38}{seconds[name]:>10.3f}{cpu[name]:>8.3f}  {aims.get(name, '')}")
    figures = {
        "bare_seconds": seconds["bare"],
        "bare_cpu_seconds": cpu["bare"],
        "import_seconds": seconds["import"],
        "import_cpu_seconds": cpu["import"],
        "every_name_seconds": seconds["names"],
        "every_name_cpu_seconds": cpu["names"],
        "kernel_imports_seconds": seconds["kernel"],
        "kernel_imports_cpu_seconds": cpu["kernel"],
    }
    ratios = {
        "import_to_bare": seconds["import_whole"] / seconds["bare"],
        "kernel_to_bare_cpu": cpu["kernel_whole"] / cpu["bare"],
    }
    result = {
        "name": "startup",
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
