"""Syncs the demo's own sources, and tells them from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from analyticspro.connectors import Source, load, parse
from analyticspro.demo_company.company import Company
from analyticspro.demo_company.declared import declarations
from analyticspro.demo_company.marks import Marks

if TYPE_CHECKING:
    from analyticspro.ingest import Progress, Report

__all__ = ["are_own", "sync_up"]


def are_own(home: Path, sources: Sequence[Source]) -> bool:
    """Tell whether all `sources` are systems of the company in `home`, declared as it did."""
    marks = Marks.load(home / "demo")
    if marks is None:
        return False
    known = {
        name: parse({"name": name, **table}, name).within(home / "demo").to_json()
        for name, table in declarations(marks.port).items()
    }
    return all(known.get(source.name) == source.to_json() for source in sources)


class _Sync(Protocol):
    def __call__(
        self, sources: Sequence[Source], *, progress: Callable[[Progress], None]
    ) -> list[Report]: ...


def sync_up(
    company: Company,
    until: datetime,
    total: Report,
    *,
    sync: _Sync,
    progress: Callable[[Progress], None],
) -> Report:
    """Record all that happened up to `until`, and sync it; return `total`, counted into.

    Args:
        company: Whose systems.
        until: UTC.
        total: A report of the whole, empty; an error of one source ends it.
        sync: Syncs sources; returns a report for each.
        progress: Called after each batch, in hundredths of a source.
    """
    company.record(until)
    with company.platform(lambda: until):
        sources = load(company.sources_file, {})
        for number, source in enumerate(sources):

            def step(at: Progress, before: int = 100 * number) -> None:
                done = before + (100 * at.done // at.total if at.total else 50)
                progress(replace(at, done=done, total=100 * len(sources)))

            [one] = sync([source], progress=step)
            _count_in(total, one)
            if one.error:
                break
    return total


def _count_in(total: Report, one: Report) -> None:
    for item in fields(total):
        value = getattr(one, item.name)
        if isinstance(value, int | float):
            setattr(total, item.name, getattr(total, item.name) + value)
    total.error = total.error or one.error
    total.notes += [f"{one.source}: {note}" for note in one.notes]
