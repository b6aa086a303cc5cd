"""Horizontal bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyticspro.dashboards.spec import QUIET, WORDS, Palette, Spec, spec_of

__all__ = ["Bar", "bar_chart", "bar_height"]

_NUMBER_WIDTH = 62  # pixels


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
    lowest = min((*(bar.value for bar in bars), 0.0))
    highest = max((*(bar.value for bar in bars), 0.0))
    sides = 2 if lowest < 0 else 1
    # The longest bars leave room for the numbers at their ends.
    span = (highest - lowest) or 1.0
    room = span * _NUMBER_WIDTH / max(width * 0.6 - sides * _NUMBER_WIDTH, _NUMBER_WIDTH)
    reach = {"domain": [lowest - room if lowest < 0 else 0.0, highest + room]}
    shade = {"condition": {"test": "datum.rest", "value": palette.previous}}
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
            _numbers("datum.value >= 0", palette, align="left", dx=6),
            *([_numbers("datum.value < 0", palette, align="right", dx=-6)] if lowest < 0 else []),
        ],
    }
    return spec_of(body, palette, width, bar_height(len(bars)))


def _numbers(which: str, palette: Palette, *, align: str, dx: int) -> Spec:
    """Return the layer that writes the values at the far ends of some of the bars."""
    return {
        "transform": [{"filter": which}],
        "mark": {"type": "text", "align": align, "dx": dx, "fontSize": 12, **QUIET},
        "encoding": {
            "text": {"field": "written", "type": "nominal"},
            "color": {"value": palette.muted},
        },
    }
