"""Horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyticspro.dashboards.spec import QUIET, WORDS, Palette, Spec, spec_of

__all__ = ["Bar", "bar_chart", "bar_height"]


@dataclass(frozen=True)
class Bar:
    """One bar: its label, value, the value as written beside it, what a tooltip says."""

    label: str
    value: float
    written: str
    words: str
    is_rest: bool = False


def bar_height(count: int) -> int:
    """Return how high a chart of so many bars is, in pixels."""
    return max(1, count) * 30 + 4


def bar_chart(bars: Sequence[Bar], palette: Palette, width: int) -> Spec:
    """Return horizontal bars, in the order given, each with its value at its end."""
    rows = [
        {
            "label": bar.label,
            "value": bar.value,
            "written": bar.written,
            "words": bar.words,
            "rest": bar.is_rest,
        }
        for bar in bars
    ]
    axis = {
        "labelColor": palette.text,
        "labelFontSize": 12,
        "labelLimit": width * 0.36,
        "labelPadding": 10,
        "grid": False,
        "minExtent": min(100, width * 0.3),
    }
    longest = max((abs(bar.value) for bar in bars), default=0.0)
    lowest = min((bar.value for bar in bars), default=0.0)
    shade = {"condition": {"test": "datum.rest", "value": palette.previous}}
    # The longest bar leaves room for the number at its end.
    reach = {"domain": [min(0.0, lowest), (longest or 1.0) * (1.0 + 62 / (width * 0.6))]}
    body: Spec = {
        "data": {"values": rows},
        "encoding": {
            "y": {
                "field": "label",
                "type": "nominal",
                "sort": None,
                "axis": axis,
                "scale": {"paddingInner": 0.42, "paddingOuter": 0.2},
            },
            "x": {
                "field": "value",
                "type": "quantitative",
                "axis": None,
                "scale": {**reach, "nice": False},
            },
        },
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 3},
                "encoding": {
                    "color": {**shade, "value": palette.series},
                    "description": WORDS,
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, **QUIET},
                "encoding": {
                    "text": {"field": "written", "type": "nominal"},
                    "color": {"value": palette.muted},
                },
            },
        ],
    }
    return spec_of(body, palette, width, bar_height(len(bars)))
