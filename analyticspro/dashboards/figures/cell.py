"""A figure by itself: in a Lab cell, and as an Altair chart to go on with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analyticspro.dashboards.context import Context, Provider
from analyticspro.dashboards.draw import svg
from analyticspro.dashboards.spec import HEX
from analyticspro.dashboards.templating import render, style
from analyticspro.dashboards.views import Sentences, TableView, View
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.metrics.query import Query

if TYPE_CHECKING:
    from analyticspro.metrics.answer import Answer

__all__ = ["FIGURE_TYPE", "Figure", "Shown"]

FIGURE_TYPE = "application/vnd.analyticspro.figure+json"
# Lab draws v3 to v5; a v6 key fails nbformat's validation and aborts papermill.
VEGA_TYPE = "application/vnd.vegalite.v5+json"
_KPI_WIDTH = 360
_CHART_WIDTH = 680


class Figure(ABC):
    """A declaration: which queries, and what to make of their answers.

    It holds no data; the same one is drawn on a page for any period and filters, or by
    itself in a cell, where it asks the workspace that `connect()` finds.
    """

    @abstractmethod
    def queries(self, context: Context) -> tuple[Query, ...]:
        """Return what must be asked to draw it."""

    @abstractmethod
    def view(self, context: Context, answers: Sequence[Answer]) -> View:
        """Return what it shows, from the answers to `queries`, in their order."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for messages, before any title is known."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""

    def over(
        self,
        period: str = "latest",
        *,
        where: Mapping[str, str | list[str]] | None = None,
        client: Provider | None = None,
    ) -> Shown:
        """Return the figure for a period and filters, to display in a cell.

        >>> kpi("revenue").over("2011-11", where={"country": "France"})  # doctest: +SKIP
        """
        return Shown(self, period, dict(where or {}), client)

    def to_altair(self) -> Any:
        """Return an Altair chart of the latest period; see `Shown.to_altair`."""
        return self.over().to_altair()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return self.over()._repr_mimebundle_(include, exclude)


@dataclass(frozen=True)
class Shown:
    """A figure for one period and one set of filters."""

    figure: Figure
    period: str = "latest"
    where: Mapping[str, str | list[str]] = field(default_factory=dict)
    client: Provider | None = None

    def view(self) -> View:
        """Return what it shows now.

        Raises:
            AnalyticsProError: A query was not answered.
        """
        client = self.client or connected()
        context = Context.of(client.workspace(), self.period, self.where)
        answers: list[Answer] = []
        for answer in client.answers(self.figure.queries(context)):
            if isinstance(answer, AnalyticsProError):
                raise answer
            answers.append(answer)
        return self.figure.view(context, answers)

    def spec(self) -> dict[str, Any]:
        """Return the chart as a Vega-Lite v5 specification that holds its data."""
        return _spec(self.view())

    def to_altair(self) -> Any:
        """Return an Altair chart to go on with.

        Raises:
            DefinitionError: The figure is no chart, or altair is not installed.
        """
        spec = self.spec()
        try:
            import altair
        except ImportError:
            raise DefinitionError(
                "to_altair() needs altair, which is not installed. Run 'pip install altair'."
            ) from None
        spec.pop("$schema")
        return altair.Chart.from_dict(spec)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        view = self.view()
        bundle: dict[str, Any] = {
            "text/plain": view.text,
            FIGURE_TYPE: {
                "figure": self.figure.to_json(),
                "period": self.period,
                "where": dict(self.where),
            },
        }
        if isinstance(view, TableView):
            return bundle | {
                "text/html": render("cell_table.html", view=view, css=style(with_fonts=False))
            }
        if isinstance(view, Sentences):
            return bundle
        spec = _spec(view)
        return bundle | {"image/svg+xml": svg(spec), VEGA_TYPE: spec}


def _spec(view: View) -> dict[str, Any]:
    if isinstance(view, TableView | Sentences):
        raise DefinitionError(f"A {view.kind} is not a chart. Use line(), bars() or kpi().")
    spec = view.spec(HEX, _KPI_WIDTH if view.kind == "kpi" else _CHART_WIDTH)
    if view.kind != "kpi":
        note = getattr(view, "note", "")
        spec["title"] = {"text": view.title, "subtitle": note} if note else {"text": view.title}
        spec["title"] |= {"fontSize": 14, "fontWeight": 600, "offset": 12, "subtitlePadding": 4}
    return spec


def connected() -> Provider:
    """Return the client of the workspace this process belongs to."""
    from analyticspro.client import connect

    return connect()
