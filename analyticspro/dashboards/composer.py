"""`python -m analyticspro.dashboards.composer`: runs one notebook and tells which page it declares.

A process of its own, started by `compositions`, without any right to data. It reads the
notebook's cells as one line of JSON, answers with JSON, and ends when its input does: whoever
started it is gone then. What the notebook prints goes nowhere, however much it is.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from analyticspro import composing
from analyticspro.dashboards.pages import PAGE_TYPE
from analyticspro.dashboards.parameters import Parameter, texts_in
from analyticspro.errors import AnalyticsProError

__all__ = ["compose", "main"]

_MOST_CPU_S = 60
_MOST_MEMORY = 2 << 30
_MOST_WRITTEN = 64 << 20
_WORDS = ({"text/plain"}, {"text/plain", "text/markdown"})


def main() -> int:
    """Answer one notebook; return the exit code."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for kind, most in (
        (resource.RLIMIT_CPU, _MOST_CPU_S),
        (resource.RLIMIT_DATA, _MOST_MEMORY),
        (resource.RLIMIT_FSIZE, _MOST_WRITTEN),
    ):
        resource.setrlimit(kind, (most, most))
    json.dump(compose(order["cells"], has_parameters=order["has_parameters"]), answer)
    answer.flush()
    os._exit(0)  # threads of the notebook's own making are not waited for


def _end_with_input() -> None:
    while os.read(0, 1024):  # unbuffered: a buffer's lock is in the way when the process ends
        pass
    os._exit(1)


def compose(cells: Sequence[Mapping[str, Any]], *, has_parameters: bool) -> dict[str, Any]:
    """Return what a notebook declares, as JSON.

    Args:
        cells: Each with `type`, `source` and `tags`.
        has_parameters: Whether its parameters are stood in for, so that it is known which of
            them the page is bound to. Without, they are the texts that the notebook says.

    Returns:
        `{"shown": […]}` with `{"words": markdown}` and `{"page": declaration}` in order;
        `{"reasons": […]}` if it does more than declare; or `{"error": …}`.
    """
    shell, outputs = _shell()
    shown: list[dict[str, Any]] = []
    for cell in cells:
        if cell["type"] == "markdown" and cell["source"].strip():
            shown.append({"words": cell["source"]})
        if cell["type"] != "code":
            continue
        shell.displayhook.source = cell["source"]
        result = shell.run_cell(cell["source"], store_history=False)
        if composing.reasons():
            return {"reasons": composing.reasons()}
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            return {"error": _told(error)}
        for output in outputs:
            found = _shown(output["data"])
            if found is None:
                return {"reasons": [f"it shows {', '.join(sorted(output['data']))}"]}
            shown.append(found)
        outputs.clear()
        if has_parameters and "parameters" in cell["tags"]:
            stand_ins = texts_in(cell["source"]).items()
            shell.user_ns.update({name: Parameter(name, text) for name, text in stand_ins})
    return {"shown": shown}


def _shell() -> tuple[Any, list[dict[str, Any]]]:
    """Return what runs cells, and the list in which it leaves whatever they display."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class KeepingHook(DisplayHook):
        """Keeps the value of a cell's last line, unless it ends in a semicolon."""

        source = ""

        def __call__(self, result: Any = None) -> None:
            if result is None or self.semicolon_at_end_of_expression(self.source):  # type: ignore[no-untyped-call]
                return
            data, _ = self.compute_format_data(result)  # type: ignore[no-untyped-call]
            if data:
                outputs.append({"data": data})

    shell: Any = InteractiveShell.instance(displayhook_class=KeepingHook)
    shell.history_manager.enabled = False
    shell.display_pub = CapturingDisplayPublisher()  # type: ignore[no-untyped-call]
    outputs: list[dict[str, Any]] = shell.display_pub.outputs
    return shell, outputs


def _shown(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a page shows of an output; None if only a kernel's page can show it."""
    if PAGE_TYPE in data:
        return {"page": data[PAGE_TYPE]}
    if set(data) not in _WORDS:
        return None
    # Plain text, too, is set as words; nothing of it is markup.
    return (
        {"words": data["text/markdown"]}
        if "text/markdown" in data
        else {"text": data["text/plain"]}
    )


def _told(error: BaseException) -> dict[str, Any]:
    lines = traceback.format_exception(error)
    return {
        "message": str(error) if isinstance(error, AnalyticsProError) else "",
        "traceback": "".join(lines)[-4000:],
    }


if __name__ == "__main__":
    sys.exit(main())
