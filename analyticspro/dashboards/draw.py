"""Charts drawn as SVG, by vl-convert, in the font that the page is set in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = ["FONTS", "Paint", "PaintError", "on_page", "paint_here", "svg", "written"]

FONTS = Path(__file__).parent / "assets" / "fonts"
_VEGA_LITE = "5.21"


@cache
def _converter() -> Any:
    """Return vl-convert, told of our font; imported at first need, as it is 40 MB."""
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))
    return vl_convert


@lru_cache(maxsize=256)
def _draw(spec: str) -> str:
    drawn: str = _converter().vegalite_to_svg(
        spec, vl_version=_VEGA_LITE, allowed_base_urls=[], show_warnings=False
    )
    return drawn


Paint = Callable[[Sequence[str]], "list[str | PaintError]"]


class PaintError(Exception):
    """A chart that could not be drawn."""


def paint_here(specs: Sequence[str]) -> list[str | PaintError]:
    """Return the drawings of specifications, made in this process."""
    return [_draw(spec) for spec in specs]


def written(spec: dict[str, Any]) -> str:
    """Return a specification as it is painted: the same one always the same text."""
    return json.dumps(spec, separators=(",", ":"))


def svg(spec: dict[str, Any]) -> str:
    """Return the drawing of a Vega-Lite specification, to stand by itself."""
    return _draw(written(spec))


def on_page(drawn: str, prefix: str) -> str:
    """Return a drawing as a page holds it.

    It grows with its column; its background rectangle, fixed size and XML namespaces are left
    out.

    Args:
        drawn: The drawing by itself.
        prefix: Put before every id, so that two drawings on one page do not share any.
    """
    # Plain replacement: a pattern takes as long as the drawing. Vega escapes the quotes of
    # labels, so these are attributes.
    for start in (' id="', '"url(#', 'href="#'):
        drawn = drawn.replace(start, start + prefix)
    head, body = drawn.split(">", 1)
    head = re.sub(r' (?:width|height|version|class|xmlns(?::\w+)?)="[^"]*"', "", head)
    body = re.sub(r"^<rect [^>]*/>", "", body)
    return f"{head}>{body}"
