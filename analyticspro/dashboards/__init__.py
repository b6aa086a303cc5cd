"""Dashboards: figures, declared, and the pages made of them.

Loaded when first used, so that the page server does not import what only kernels need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyticspro.dashboards.figures import Figure, bars, kpi, line, summary, table
    from analyticspro.dashboards.pages import Page, page

__all__ = ["Figure", "Page", "bars", "kpi", "line", "page", "summary", "table"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "pages" if name in ("Page", "page") else "figures"
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
