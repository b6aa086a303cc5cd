"""What a figure shows, worked out from its answers: words, numbers and chart data.

A view knows nothing of HTML; the page, a Lab cell and the report all draw the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from analyticspro.dashboards.bar_charts import Bar, bar_chart, bar_height
from analyticspro.dashboards.formats import Unit
from analyticspro.dashboards.line_charts import Point, line_chart, sparkline
from analyticspro.dashboards.spec import Palette, Spec
from analyticspro.grain import Grain

__all__ = ["BarsView", "Change", "KpiView", "LineView", "Sentences", "TableView", "View"]


@dataclass(frozen=True)
class Change:
    """How a value moved against the previous comparable period.

    Attributes:
        direction: `up`, `down` or `flat`.
        verdict: `good`, `bad` or `neutral`: the direction, judged by the metric's better one.
        rate: The relative change in words, without sign; `new` from nothing.
        step: The absolute change in words, signed.
        against: What it is compared with, such as `vs 1–9 Nov`.
        spoken: All of it, for screen readers.
    """

    direction: str
    verdict: str
    rate: str
    step: str
    against: str
    spoken: str


@dataclass(frozen=True)
class KpiView:
    """One figure on a card."""

    metric: str
    title: str
    meaning: str
    value: str
    exact: str
    full: str
    change: Change | None
    remark: str
    points: tuple[Point, ...] = ()
    kind: str = field(default="kpi", init=False)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to count."""
        return self.exact in ("", "0", "0.0") or not self.exact.strip("0.")

    @property
    def text(self) -> str:
        """The card in one line."""
        moved = f" ({self.change.spoken})" if self.change else ""
        return f"{self.title}: {self.full}{moved}"

    def spec(self, palette: Palette, width: int) -> Spec:
        """Return the card as one chart, for a Lab cell: words above the sparkline."""
        spec = sparkline(self.points, palette, width, 150)
        beside = self.change.spoken if self.change else self.remark
        spec["title"] = {
            "text": [self.title, self.full],
            "subtitle": beside,
            "fontSize": 18,
            "fontWeight": 600,
            "subtitlePadding": 6,
            "subtitleFontSize": 12,
            "offset": 12,
        }
        return spec

    def spark(self, palette: Palette, width: int, height: int) -> Spec | None:
        """Return the sparkline alone; None with fewer than two points."""
        if sum(point.value is not None for point in self.points) < 2:
            return None
        return sparkline(self.points, palette, width, height)


@dataclass(frozen=True)
class TableView:
    """Rows of words.

    Attributes:
        columns: Heading and the meaning behind it, the first one being what the rows are.
        rows: Cells in words.
        exact: The same cells unrounded, for programs; the first of each row is its label.
        metrics: Name of the metric in each column but the first.
        total: The row of all together, or None.
        note: Such as `Top 10 of 38`.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    exact: tuple[tuple[str, ...], ...] = ()
    metrics: tuple[str, ...] = ()
    total: tuple[str, ...] | None = None
    total_exact: tuple[str, ...] = ()
    note: str = ""
    kind: str = field(default="table", init=False)

    @property
    def is_empty(self) -> bool:
        """Whether it has no rows."""
        return not self.rows

    @property
    def text(self) -> str:
        """The table in plain text, tab separated."""
        lines = ["\t".join(name for name, _ in self.columns)]
        lines += ["\t".join(row) for row in self.rows]
        if self.total:
            lines.append("\t".join(self.total))
        return "\n".join([self.title, *lines])


@dataclass(frozen=True)
class LineView:
    """One or more lines over time."""

    title: str
    meaning: str
    note: str
    unit: Unit
    grain: Grain
    starts: tuple[datetime, ...]
    points: tuple[Point, ...]
    names: tuple[str, ...]
    zero: bool
    before: tuple[Point, ...] = ()
    before_name: str = ""
    now_name: str = ""
    has_partial: bool = False
    table: TableView | None = None
    kind: str = field(default="line", init=False)

    @property
    def is_empty(self) -> bool:
        """Whether no bucket has anything in it."""
        return not any(point.value for point in self.points)

    @property
    def text(self) -> str:
        """The series in plain text."""
        return self.table.text if self.table else self.title

    def spec(self, palette: Palette, width: int, height: int | None = None) -> Spec:
        """Return the chart; without a height it has one that suits its width."""
        return line_chart(
            self.points,
            before=self.before,
            names=self.names,
            starts=self.starts,
            grain=self.grain,
            unit=self.unit,
            zero=self.zero,
            palette=palette,
            width=width,
            height=height or max(230, min(300, round(width * 0.36))),
        )


@dataclass(frozen=True)
class BarsView:
    """A breakdown, the largest first."""

    title: str
    meaning: str
    note: str
    bars: tuple[Bar, ...]
    table: TableView | None = None
    kind: str = field(default="bars", init=False)

    @property
    def is_empty(self) -> bool:
        """Whether no bar has any length."""
        return not any(bar.value for bar in self.bars)

    @property
    def text(self) -> str:
        """The bars in plain text."""
        return self.table.text if self.table else self.title

    @property
    def height(self) -> int:
        """Of the chart, in pixels."""
        return bar_height(len(self.bars))

    def spec(self, palette: Palette, width: int) -> Spec:
        """Return the chart."""
        return bar_chart(self.bars, palette, width)


@dataclass(frozen=True)
class Sentences:
    """The answer in a sentence or two."""

    sentences: Sequence[str]
    kind: str = field(default="sentences", init=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.sentences

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.sentences)


View = KpiView | LineView | BarsView | TableView | Sentences
