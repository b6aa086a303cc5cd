"""What commands write: results on stdout, everything else on stderr."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from analyticspro.dashboards.formats import Unit
from analyticspro.metrics import Answer
from analyticspro.money import exponent

__all__ = ["answer_table", "bar", "print_csv", "print_json", "printable", "say", "table"]

_NOTHING = "—"


def say(message: str) -> None:
    """Tell the person at the terminal; never part of a result."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """Write a result as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a result as CSV."""
    csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: set[int]) -> None:
    """Write a result as an aligned table; columns in `right` are set to the right."""
    lines = [[printable(cell) for cell in row] for row in [columns, *rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def printable(text: str) -> str:
    r"""Return `text` without what a terminal would obey: data must not move its cursor.

    >>> printable("France\x1b[2J")
    'France�[2J'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def answer_table(answer: Answer) -> None:
    """Write an answer as a table, and on stderr what it is an answer to."""
    metrics = answer.provenance["metrics"]
    parts = [_part(name, metrics) for name in answer.frame.columns]
    titles = [
        name if part is None else _TITLES.get(part.role, metrics[part.metric]["title"])
        for name, part in zip(answer.frame.columns, parts, strict=True)
    ]
    rows = [
        [
            _plain(row[name]) if part is None else _figure(row, name, part, metrics)
            for name, part in zip(answer.frame.columns, parts, strict=True)
        ]
        for row in answer.frame.iter_rows(named=True)
    ]
    table(titles, rows, right={i for i, part in enumerate(parts) if part})
    say(_about(answer.provenance))


@dataclass(frozen=True)
class _Part:
    """What a column of an answer says about a metric: its value, or what was before."""

    metric: str
    role: str


_TITLES = {"_previous": "before", "_change": "change", "_change_rate": "change %"}


def _part(column: str, metrics: Mapping[str, Any]) -> _Part | None:
    for role in ("", *_TITLES):
        name = column.removesuffix(role)
        if column == f"{name}{role}" and name in metrics:
            return _Part(name, role)
    return None


def _plain(value: object) -> str:
    return _NOTHING if value is None else str(value)


def _figure(row: Mapping[str, Any], column: str, part: _Part, metrics: Mapping[str, Any]) -> str:
    value = row[column]
    if part.role == "_change_rate":
        is_new = row[f"{part.metric}_previous"] == 0 and row[part.metric]
        return ("new" if is_new else _NOTHING) if value is None else f"{value * 100:+.1f}%"
    described = metrics[part.metric]
    # Of several currencies, each row has its own.
    unit = Unit(described["unit"], described["currency"] or row.get("currency"))
    if value is None or (unit.kind == "money" and unit.currency is None):
        return _plain(value)
    if part.role == "_change":
        return unit.step(value)
    return unit.full(value, digits=exponent(unit.currency) if unit.currency else None)


def _about(provenance: dict[str, Any]) -> str:
    period, compared = provenance["period"], provenance["compared_with"]
    told = f"\n{_span(period)} (end excluded), {provenance['timezone']}"
    if period["until"] < period["end"]:
        told += f", known up to {_moment(period['until'])}"
    parts = [told]
    if compared is not None:
        parts.append(f"compared with {_span(compared)}")
    parts.append(f"{provenance['rows_read']:,} events read")
    if provenance["rejected"]:
        parts.append(f"{provenance['rejected']:,} records set aside")
    if provenance["demo"]:
        parts.append("demo data")
    return "; ".join(parts) + "."


def _span(period: Mapping[str, str]) -> str:
    return f"{_moment(period['start'])} to {_moment(period['end'])}"


def _moment(iso: str) -> str:
    return iso.removesuffix("T00:00:00").replace("T", " ")[:16]


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; give the function that says (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr) as shown:
        yield lambda done, total: shown.update(done * 1000 // max(total, 1) - shown.pos)
