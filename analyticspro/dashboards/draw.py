"""Charts drawn as SVG, by vl-convert, in the font that the page is set in."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

__all__ = ["FONTS", "svg"]

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


def svg(spec: dict[str, Any], *, prefix: str = "", is_page: bool = False) -> str:
    """Return the drawing of a Vega-Lite specification.

    Args:
        spec: The specification; the same one is drawn once.
        prefix: Put before every id, so that two drawings on one page do not share any.
        is_page: Whether a page will hold it: then it grows with its column, and its
            background rectangle, fixed size and XML namespaces are left out.
    """
    drawn = _draw(json.dumps(spec, separators=(",", ":")))
    if prefix:
        # Plain replacement: a pattern takes as long as the drawing. Vega escapes the quotes of
        # labels, so these are attributes.
        for start in (' id="', '"url(#', 'href="#'):
            drawn = drawn.replace(start, start + prefix)
    if is_page:
        head, body = drawn.split(">", 1)
        head = re.sub(r' (?:width|height|version|class|xmlns(?::\w+)?)="[^"]*"', "", head)
        body = re.sub(r"^<rect [^>]*/>", "", body)
        drawn = f"{head}>{body}"
    return drawn
