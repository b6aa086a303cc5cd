"""A page worked out to the last word and chart, ready for its templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from typing import Any

from analyticspro.dashboards.choices import Controls
from analyticspro.dashboards.layout import DrawnRow
from analyticspro.dashboards.origin import Origin
from analyticspro.dashboards.states import State
from analyticspro.dashboards.templating import render

__all__ = ["PARTS", "Drawn", "Request"]

PARTS = ("head", "heading", "controls", "body", "foot")


@dataclass(frozen=True)
class Request:
    """What a reader asks a page for: a period as text, and a value per filtered dimension."""

    period: str = "latest"
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Drawn:
    """A page, filled in step by step as far as it goes."""

    title: str
    request: Request
    workspace: str = ""
    is_demo: bool = False
    timezone: str = ""
    freshness: str = ""
    subtitle: str = ""
    ending: str = ""
    controls: Controls | None = None
    state: State | None = None
    rows: tuple[DrawnRow, ...] = ()
    provenance: Origin | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    refreshes: int = 0  # every so many seconds; 0 if it does not by itself
    has_shell: bool = False  # above it is a bar with the product's name and the way out

    def showing(self, state: State) -> Drawn:
        """Return the page with a message in place of its figures."""
        self.state = state
        self.rows = ()
        return self

    @property
    def name(self) -> str:
        """`ready`, `empty` or `error`."""
        return self.state.kind if self.state else "ready"

    def name_of(self, control: str) -> str:
        """Return the name in the address under which a control stands."""
        return self.names.get(control, control)

    @property
    def chosen(self) -> dict[str, str]:
        """The filters in force, by their names in the address."""
        where = self.request.where
        return {self.name_of(name): value for name, value in where.items() if value}

    @property
    def address(self) -> dict[str, str]:
        """All that is chosen, by its name in the address; what is empty is not chosen."""
        given = {"period": self.request.period, **self.request.where}
        return {self.name_of(name): value for name, value in given.items()}

    def parts(self) -> dict[str, str]:
        """Return the HTML of each part, so that only those that changed are replaced."""
        return {part: render("part.html", part=part, page=self).strip() for part in PARTS}

    def message(self) -> dict[str, Any]:
        """Return the page as it is sent to the browser."""
        parts = self.parts()
        marks = {name: blake2s(html.encode(), digest_size=8) for name, html in parts.items()}
        return {
            "parts": parts,
            "marks": {name: mark.hexdigest() for name, mark in marks.items()},
            "state": self.name,
            "period": self.request.period,
            "where": dict(self.request.where),
            "address": self.address,
            "said": self.state.title if self.state else f"{self.title}: {self.subtitle}",
        }
