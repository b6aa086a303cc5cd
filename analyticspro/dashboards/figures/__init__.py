"""Figures: what to show, declared; any surface can draw them."""

from __future__ import annotations

from analyticspro.dashboards.figures.breakdown import Bars, bars
from analyticspro.dashboards.figures.cards import Kpi, kpi
from analyticspro.dashboards.figures.cell import Figure, Shown
from analyticspro.dashboards.figures.lines import Line, line
from analyticspro.dashboards.figures.sentences import Summary, summary
from analyticspro.dashboards.figures.tables import Table, table

__all__ = [
    "Bars",
    "Figure",
    "Kpi",
    "Line",
    "Shown",
    "Summary",
    "Table",
    "bars",
    "kpi",
    "line",
    "summary",
    "table",
]
