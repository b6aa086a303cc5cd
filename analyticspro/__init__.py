"""AnalyticsPro: governed metrics for notebooks, dashboards and reports.

    import analyticspro as ap
    ap.connect().query("revenue", grain="month", by="country")
    ap.line("revenue", grain="month")

The names below are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from analyticspro.client import Client, connect
    from analyticspro.dashboards import bars, kpi, line, page, summary, table
    from analyticspro.errors import AnalyticsProError

__all__ = [
    "AnalyticsProError",
    "Client",
    "bars",
    "connect",
    "kpi",
    "line",
    "page",
    "summary",
    "table",
]

_HOMES = {
    "AnalyticsProError": "errors",
    "Client": "client",
    "bars": "dashboards",
    "connect": "client",
    "kpi": "dashboards",
    "line": "dashboards",
    "page": "dashboards",
    "summary": "dashboards",
    "table": "dashboards",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analyticspro' has no attribute {name!r}")
    return getattr(import_module(f"analyticspro.{_HOMES[name]}"), name)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Have a notebook know the cell magic `%%sql`: `%load_ext analyticspro`."""
    import_module("analyticspro.client.magic").load(shell)
