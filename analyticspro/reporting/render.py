"""An executed notebook as one HTML file: its results, without its code."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert.exporters.templateexporter import TemplateExporter

__all__ = ["to_html"]

_TEMPLATES = Path(__file__).parent / "templates"


def to_html(notebook: Path, *, subtitle: str) -> str:
    """Return the results of an executed notebook as HTML that stands by itself.

    It holds no script and loads nothing, so it can be mailed, opened anywhere, printed.
    Its first cell, the title, becomes the document's title: the page in it has a heading.

    Args:
        notebook: Executed.
        subtitle: Put behind the title, such as the period.
    """
    read = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    title = notebook.stem
    if read.cells and read.cells[0].cell_type == "markdown":
        heading = read.cells.pop(0).source.splitlines()[0]
        title = heading.lstrip("# ").strip()
    # Not HTMLExporter, which parses and rewrites all of its result: charts lose their case.
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="report",
        template_extension=".html.j2",
        extra_template_basedirs=[str(_TEMPLATES)],
    )
    body, _ = exporter.from_notebook_node(
        read, resources={"report": {"title": f"{title} · {subtitle}" if subtitle else title}}
    )
    return str(body)
