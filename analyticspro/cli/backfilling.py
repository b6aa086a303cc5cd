"""`analyticspro sources backfill`."""

from __future__ import annotations

from pathlib import Path

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, with_place
from analyticspro.cli.schedules import instant
from analyticspro.cli.sources import (
    declared_sources,
    file_option,
    loaded,
    print_report,
    sources,
)
from analyticspro.client import reach
from analyticspro.errors import from_payload


@sources.command()
@file_option
@form_option
@click.argument("name")
@click.option(
    "--from", "start", metavar="TIME", required=True, help="First moment, such as 2011-12-01."
)
@click.option("--to", "end", metavar="TIME", help="First moment after. Default: now.")
@with_place
def backfill(
    place: Place, *, file: Path | None, form: str, name: str, start: str, end: str | None
) -> None:
    """Read what source NAME had in a range of the past.

    For what a sync has missed, as an API that let records appear too late. A SQL database is
    asked by updated_at, a REST API by its cursor's parameter; files, and tables and lists
    without a time, are read whole, and it says so. What is there already is not doubled, and
    where syncs go on stays as it is. If it is stopped, the same command (with the same --to)
    goes on where it was.

    \b
    analyticspro sources backfill crm --from 2011-12-01 --to 2011-12-08
    """  # noqa: D301 (see query)
    [source] = declared_sources(place, file, (name,))
    declared = source.to_json()
    since = instant(place, start).isoformat()
    until = (clock.now() if end is None else instant(place, end)).isoformat()
    place.home.prepare()
    reports = loaded(lambda progress: reach(place.home).backfill(declared, since, until, progress))
    if form == "json":
        output.print_json(reports)
    for report in reports:
        if form != "json":
            print_report(report)
        if report["error"]:
            raise from_payload(report["error"])
