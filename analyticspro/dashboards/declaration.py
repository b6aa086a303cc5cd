"""A page as plain JSON: what a composed notebook declares, and the page made of it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analyticspro import composing
from analyticspro.dashboards.drawn import Request
from analyticspro.dashboards.figures import Bars, Kpi, Line, Summary, Table
from analyticspro.dashboards.figures.breakdown import bars
from analyticspro.dashboards.figures.cards import kpi
from analyticspro.dashboards.figures.cell import Figure
from analyticspro.dashboards.figures.lines import line
from analyticspro.dashboards.figures.sentences import summary
from analyticspro.dashboards.figures.tables import table
from analyticspro.dashboards.pages import Page
from analyticspro.errors import DefinitionError

__all__ = ["declared", "page_of"]

_TEXT, _TEXT_OR_NONE, _NUMBER_OR_NONE = (str,), (str, type(None)), (int, type(None))
_KINDS: dict[str, tuple[type[Figure], Callable[..., Figure], dict[str, tuple[type, ...]]]] = {
    "kpi": (Kpi, kpi, {"metric": _TEXT}),
    "line": (Line, line, {"metric": _TEXT, "grain": _TEXT_OR_NONE, "by": _TEXT_OR_NONE}),
    "bars": (Bars, bars, {"metric": _TEXT, "by": _TEXT, "top": (int,)}),
    "summary": (Summary, summary, {"metric": _TEXT, "by": _TEXT_OR_NONE}),
    "table": (
        Table,
        table,
        {"metrics": (list,), "by": _TEXT_OR_NONE, "grain": _TEXT_OR_NONE, "top": _NUMBER_OR_NONE},
    ),
}


def declared(page: Page) -> dict[str, Any]:
    """Return a page as plain JSON.

    Raises:
        NotDeclared: It holds a figure of the author's own making, or asks a client of its own.
    """
    if page.has_own_client:
        composing.refuse("its page asks a client of its own")
    for figure in page.figures:
        if type(figure) not in {kind for kind, _, _ in _KINDS.values()}:
            composing.refuse(f"it shows a {type(figure).__name__} of its own making")
    return {
        "title": page.title,
        "rows": [[figure.to_json() for figure in row.figures] for row in page.rows],
        "period": page.request.period,
        "where": dict(page.request.where),
        "filters": list(page.filters),
        "names": dict(page.names),
    }


def page_of(declaration: Mapping[str, Any]) -> Page:
    """Return the page of a declaration, which came from the process of a notebook's author.

    Raises:
        DefinitionError: It is none.
    """
    try:
        request = Request(_text(declaration["period"]), _texts(declaration["where"]))
        return Page(
            _text(declaration["title"]),
            [[_figure(item) for item in row] for row in declaration["rows"]],
            request,
            tuple(_text(name) for name in declaration["filters"]),
            names=_texts(declaration["names"]),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise DefinitionError(f"This is not the declaration of a page ({error!r}).") from None


def _figure(item: Mapping[str, Any]) -> Figure:
    _, make, takes = _KINDS[item["kind"]]
    given = {name: item[name] for name in takes}
    for name, value in given.items():
        if not isinstance(value, takes[name]) or isinstance(value, bool):
            raise TypeError(f"{name} of {item['kind']} is {value!r}")
    for name in given.get("metrics", ()):
        _text(name)
    return make(**given)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {_text(name): _text(each) for name, each in value.items()}
