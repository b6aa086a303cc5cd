"""What commands write: results on stdout, everything else on stderr."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from analyticspro.dashboards.formats import Unit, moment_words
from analyticspro.metrics import Answer

__all__ = ["answer_table", "bar", "print_csv", "print_json", "say", "table"]

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
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())


def answer_table(answer: Answer) -> None:
    """Write an answer as a table, and on stderr what it is an answer to."""
    metrics = answer.provenance["metrics"]
    writers: list[Callable[[Any], str]] = []
    titles: list[str] = []
    right: set[int] = set()
    for index, name in enumerate(answer.frame.columns):
        metric, _, role = _metric_of(name, metrics)
        if metric is None:
            titles.append(name)
            writers.append(lambda value: _NOTHING if value is None else str(value))
            continue
        right.add(index)
        titles.append({"": metric["title"], "previous": "before"}.get(role, role))
        writers.append(_writer(Unit.of(metric), role))
    rows = [
        [write(value) for write, value in zip(writers, row, strict=True)]
        for row in answer.frame.iter_rows()
    ]
    table(titles, rows, right=right)
    say(_about(answer.provenance))


def _metric_of(
    column: str, metrics: dict[str, Any]
) -> tuple[dict[str, Any] | None, str, str]:
    for suffix, role in (
        ("_change_rate", "change %"),
        ("_change", "change"),
        ("_previous", "previous"),
        ("", ""),
    ):
        name = column.removesuffix(suffix) if suffix else column
        if column.endswith(suffix) and name in metrics:
            return metrics[name], name, role
    return None, column, ""


def _writer(unit: Unit, role: str) -> Callable[[Any], str]:
    if role == "change %":
        return lambda value: "new" if value is None else f"{value * 100:+.1f}%"
    digits = 2 if unit.kind == "money" else None
    if role == "change":
        return lambda value: _NOTHING if value is None else unit.step(value)
    return lambda value: unit.full(value, digits=digits)


def _about(provenance: dict[str, Any]) -> str:
    period = provenance["period"]
    start, end = (datetime.fromisoformat(period[key]) for key in ("start", "end"))
    parts = [f"\n{start:%Y-%m-%d} to {end:%Y-%m-%d} (excluded), {provenance['timezone']}"]
    compared = provenance["compared_with"]
    if compared is not None:
        before, after = (datetime.fromisoformat(compared[key]) for key in ("start", "end"))
        parts.append(f"compared with {moment_words(before)} to {moment_words(after)}")
    parts.append(f"{provenance['rows_read']:,} events read")
    if provenance["rejected"]:
        parts.append(f"{provenance['rejected']:,} records set aside")
    if provenance["demo"]:
        parts.append("demo data")
    return "; ".join(parts) + "."


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; give the function that says (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr) as shown:
        yield lambda done, total: shown.update(done * 1000 // max(total, 1) - shown.pos)
