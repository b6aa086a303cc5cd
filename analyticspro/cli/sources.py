"""`analyticspro sources check|sync|rejects|replay`; see `operating` for the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from analyticspro import clock, connectors, ingest
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import OnProgress, reach
from analyticspro.config import environment
from analyticspro.connectors import Source
from analyticspro.errors import DefinitionError, UnknownName, from_payload
from analyticspro.secrets_store import Secrets

file_option = click.option(
    "--sources",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the sources are declared. Default: sources.toml in the home.",
)


@group.group()
def sources() -> None:
    """Read data in: check sources, sync them, see what came.

    Sources are declared in a file, sources.toml in the home unless --sources names another.
    For example:

    \b
    [sources.till]
    path = "orders/*.csv"           # relative to this file; .gz and .zst are read too
    event = "order_placed"          # what each row is
    occurred_at = "date"            # the column that says when
    customer_id = "customer"
    currency = "GBP"
    amount = "total"                # the column with the money
    [sources.till.properties]
    order_id = "number"
    country = "country"
    """  # noqa: D301 (see query)


@sources.command()
@file_option
@form_option
@click.argument("names", nargs=-1)
@with_place
def check(place: Place, *, file: Path | None, form: str, names: tuple[str, ...]) -> None:
    """See whether sources can be read; stores nothing.

    Shows what the first event would look like, and what would be set aside.

    \b
    analyticspro sources check
    analyticspro --home ~/acme sources check --sources sources.toml till
    """  # noqa: D301
    secrets, now = Secrets.open(place.home), clock.now()
    results = [
        ingest.check(source, secrets=secrets, now=now).to_json()
        for source in declared_sources(place, file, names)
    ]
    if form == "json":
        output.print_json(results)
        return
    for result in results:
        size = f", {result['size']:,} bytes" if result["size"] else ""
        click.echo(
            f"{result['source']}: {result['parts']} part(s){size}; of the "
            f"first {result['records']:,} records {result['rejected']:,} would be set aside, "
            f"{result['rounded']:,} amount(s) rounded."
        )
        for event in result["examples"][:1]:
            for name, value in event.items():
                shown = "—" if value is None else output.printable(str(value))
                click.echo(f"    {name:<14} {shown}")
        for problem in result["problems"]:
            click.echo(f"    {_problem(problem)}")
        more = result["rejected"] - len(result["problems"])
        if more > 0:
            click.echo(f"    … and {more:,} more.")


@sources.command()
@file_option
@form_option
@click.argument("names", nargs=-1)
@with_place
def sync(place: Place, *, file: Path | None, form: str, names: tuple[str, ...]) -> None:
    """Read what is new or changed.

    Of all declared sources, or of those named. Unchanged files are skipped. Stopping it at
    any moment loses nothing: sync again.

    \b
    analyticspro sources sync
    analyticspro --home ~/acme sources sync --sources sources.toml till
    """  # noqa: D301
    declared = [source.to_json() for source in declared_sources(place, file, names)]
    place.home.prepare()
    reports = loaded(lambda progress: reach(place.home).sync(declared, progress))
    if form == "json":
        output.print_json(reports)
    for report in reports:
        if form != "json":
            print_report(report)
    failed = [report for report in reports if report["error"]]
    if failed:
        raise from_payload(failed[0]["error"])


@sources.command()
@file_option
@click.argument("name")
@form_option
@with_place
def replay(place: Place, *, file: Path | None, name: str, form: str) -> None:
    """Map anew what was set aside of source NAME.

    For when its declaration or a contract was corrected, or this program was. What is good now
    is stored; what is still wrong stays set aside. Files are read again instead. NAME may also
    be what a write key's events come under.

    \b
    analyticspro sources replay crm
    """  # noqa: D301
    declared = _replayable(place, file, name)
    reports = loaded(lambda progress: reach(place.home).replay(declared, progress))
    if form == "json":
        output.print_json(reports)
    for report in reports:
        if form != "json":
            print_report(report)
        if report["error"]:
            raise from_payload(report["error"])


@sources.command()
@click.argument("name")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="How many at most.",
)
@form_option
@with_place
def rejects(place: Place, *, name: str, limit: int, form: str) -> None:
    """Show the records of source NAME that were set aside, and why.

    \b
    analyticspro sources rejects till --limit 10
    """  # noqa: D301
    found = reach(place.home).rejects(name, limit)
    if form == "json":
        output.print_json(found)
        return
    for problem in found:
        click.echo(f"{problem['part']}, {_problem(problem)}")
    if not found:
        output.say("None: every record is in.")


def declared_sources(place: Place, file: Path | None, names: tuple[str, ...]) -> list[Source]:
    """Return the sources of these names, or all, as `file` or the home declares them."""
    chosen = (file or place.home.sources_file).absolute()
    declared = {source.name: source for source in connectors.load(chosen, environment())}
    for name in names:
        if name not in declared:
            raise UnknownName.of("source", name, declared, where=str(chosen))
    if not declared:
        raise DefinitionError(f"{chosen} declares no source. Add a table [sources.NAME].")
    return [declared[name] for name in names] if names else list(declared.values())


def _replayable(place: Place, file: Path | None, name: str) -> dict[str, Any]:
    if file is None and any(
        row["name"] == name and row["connector"] == "collector"
        for row in reach(place.home).sources()
    ):
        return {"name": name, "connector": "collector"}
    [source] = declared_sources(place, file, (name,))
    return source.to_json()


def loaded(load: Callable[[OnProgress], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the reports of `load`, its progress shown on a terminal meanwhile."""
    with output.bar("Reading") as show:
        return load(lambda step: show(step["done"], step["total"]))


def print_report(report: dict[str, Any]) -> None:
    """Tell what a sync did, and on stderr what a person should know of it."""
    click.echo(
        f"{report['source']}: {report['new']:,} new, {report['changed']:,} changed, "
        f"{report['unchanged']:,} unchanged, {report['retracted']:,} retracted, "
        f"{report['rejected']:,} set aside, {report['rounded']:,} amount(s) rounded; "
        f"{report['read']} of {report['parts']} part(s) read in {report['seconds']:.1f} s."
    )
    for note in report["notes"]:
        output.say(f"  {note}")


def _problem(problem: dict[str, Any]) -> str:
    field = f"{problem['field']} " if problem["field"] else ""
    value = "" if problem["value"] is None else f" ({problem['value']!r})"
    line = "" if problem["line"] is None else f"line {problem['line']}: "
    return f"{line}{field}{problem['reason']}{value}"
