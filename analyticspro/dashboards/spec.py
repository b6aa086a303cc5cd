"""What every chart shares: colours, font, and times that no browser moves.

Charts are Vega-Lite v5 specifications, plain dicts, ready for any renderer. Times are
given as milliseconds since the epoch of the wall clock read as UTC, on UTC scales with
UTC labels, so that no browser moves a bucket into its own zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["HEX", "PAGE", "QUIET", "WORDS", "Palette", "Spec", "milliseconds", "spec_of"]

Spec = dict[str, Any]
# What a tooltip and a screen reader say of a mark; marks that say nothing are quiet.
WORDS: Spec = {"field": "words", "type": "nominal"}
QUIET: Spec = {"aria": False}
_FONT = "Inter, system-ui, sans-serif"


@dataclass(frozen=True)
class Palette:
    """Colours of a chart, as CSS: variables in a page, hexadecimal everywhere else."""

    series: str
    previous: str
    text: str
    muted: str
    grid: str
    surface: str
    others: tuple[str, ...]


# On a page the variables of page.css follow the reader's light or dark scheme.
PAGE = Palette(
    series="var(--ap-series)",
    previous="var(--ap-previous)",
    text="var(--ap-text)",
    muted="var(--ap-muted)",
    grid="var(--ap-grid)",
    surface="var(--ap-surface)",
    others=tuple(f"var(--ap-series-{n})" for n in range(2, 7)),
)
# A Lab cell or a mail knows no variables; these greys read on white and on black.
HEX = Palette(
    series="#4f5fd9",
    previous="#a9adb8",
    text="#6b7080",
    muted="#7d8292",
    grid="#d9dbe2",
    surface="#ffffff",
    others=("#0d9488", "#d97706", "#db2777", "#7c3aed", "#64748b"),
)


def milliseconds(at: datetime) -> int:
    """Return a wall-clock time as milliseconds since the epoch, as if it were UTC."""
    return int(at.replace(tzinfo=UTC).timestamp() * 1000)


def spec_of(body: Spec, palette: Palette, width: int, height: int) -> Spec:
    """Return a whole specification: `body` with size, font and colours."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "padding": 1,
        **body,
        "config": {
            "font": _FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": palette.muted,
                "labelFontSize": 11,
                "labelPadding": 8,
                "domain": False,
                "ticks": False,
                "gridColor": palette.grid,
                "title": None,
            },
            "legend": {"labelColor": palette.text, "labelFontSize": 11, "title": None},
            "title": {"color": palette.text, "subtitleColor": palette.muted, "anchor": "start"},
        },
    }
