"""HTML from templates; everything that comes from data is escaped."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analyticspro.dashboards.draw import FONTS

__all__ = ["asset", "render", "style"]

_HERE = Path(__file__).parent


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates" / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {}  # in the order given: it is that of the address
    return made


def render(template: str, **values: Any) -> str:
    """Return a template of `templates/page` filled in."""
    return _environment().get_template(template).render(**values)


@cache
def asset(name: str) -> str:
    """Return the text of a file in `assets`."""
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


@cache
def style(*, with_fonts: bool = True) -> Markup:
    """Return the page's style for HTML that must stand by itself, by default with its fonts."""
    return Markup((_font_faces() if with_fonts else "") + asset("page.css"))


def _font_faces() -> str:
    faces = []
    for weight, style in ((400, "Regular"), (600, "SemiBold")):
        data = base64.b64encode((FONTS / f"Inter-{style}.woff2").read_bytes()).decode()
        faces.append(
            f'@font-face{{font-family:"Inter";font-weight:{weight};font-display:swap;'
            f'src:url("data:font/woff2;base64,{data}") format("woff2")}}'
        )
    return "".join(faces)
