"""`analyticspro query` and `analyticspro metrics`."""

from __future__ import annotations

from dataclasses import replace

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, group, with_place
from analyticspro.client import reach
from analyticspro.errors import DefinitionError, SettingError
from analyticspro.grain import Grain
from analyticspro.metrics import Filter, Query

FORMATS = click.Choice(["table", "csv", "json"])


@group.command()
@click.argument("metrics", nargs=-1, required=True)
@click.option("--grain", metavar="GRAIN", help=f"Cut into buckets: {', '.join(Grain)}.")
@click.option(
    "--by",
    metavar="DIMENSION",
    multiple=True,
    help="Break down by a dimension, such as country. May be repeated.",
)
@click.option(
    "--period",
    metavar="PERIOD",
    help="2011-11, 2011-Q4, 2011, 2011-W47, 2011-11-05, last-30-days, this-month, latest "
    "(the month of the newest data) or all (default).",
)
@click.option(
    "--from",
    "start",
    metavar="DATE",
    help="First day (or moment, 2011-11-05T14:30), in the workspace's zone.",
)
@click.option(
    "--to", "end", metavar="DATE", help="First day after: --to 2011-12-01 ends with November."
)
@click.option(
    "--where",
    metavar="DIMENSION=VALUE",
    multiple=True,
    help="Only what has this value; != for all but it. Repeat a dimension to allow several "
    "values; different dimensions must all fit.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Add the previous value and the change: each bucket against the one before it, or the "
    "period against the one before. What is not over yet, against as much of the one before.",
)
@click.option(
    "--as-of",
    metavar="MOMENT",
    help="Answer with what was known then, such as 2011-12-01T09:30:00Z.",
)
@click.option(
    "--restated-since",
    "since",
    metavar="MOMENT",
    help="Show only what was complete then and is another figure now, late or corrected.",
)
@click.option(
    "--format",
    "form",
    type=FORMATS,
    default="table",
    show_default=True,
    help="table for people; csv and json for programs, unrounded, json with provenance.",
)
@with_place
def query(
    place: Place,
    *,
    metrics: tuple[str, ...],
    grain: str | None,
    by: tuple[str, ...],
    period: str | None,
    start: str | None,
    end: str | None,
    where: tuple[str, ...],
    compare: bool,
    as_of: str | None,
    since: str | None,
    form: str,
) -> None:
    """Ask for the figures of one or more METRICS.

    \b
    analyticspro query revenue orders --grain month --by country
    analyticspro query revenue --period 2011-11 --compare
    analyticspro query revenue --from 2011-01-01 --to 2011-12-01 --where country=France
    """  # noqa: D301 (click takes the backspace for: leave these lines as they are)
    if period and (start or end):
        raise DefinitionError("Give either --period, or --from and --to.")
    if start or end:
        period = f"{start or ''}..{end or ''}"
    if since and (as_of or compare):
        raise DefinitionError("--restated-since stands alone; leave out --as-of and --compare.")
    question = Query.of(
        *metrics, grain=grain, by=by, period=period or "all", compare=compare, as_of=as_of or since
    )
    question = replace(question, where=_filters(where))
    if since:
        _print_restated(place, question, since, form)
        return
    answer = place.client.answer(question)
    if form == "json":
        output.print_json({"rows": answer.rows(), "provenance": answer.provenance})
    elif form == "csv":
        click.echo(answer.frame.write_csv(), nl=False)
    else:
        output.answer_table(answer)


def _print_restated(place: Place, question: Query, since: str, form: str) -> None:
    assert question.as_of is not None
    found = place.client.restated(question, since=question.as_of)
    if form == "json":
        output.print_json(found.to_dicts())
        return
    rows = [["—" if value is None else str(value) for value in row] for row in found.iter_rows()]
    if form == "csv":
        output.print_csv(found.columns, rows)
        return
    if not rows:
        output.say(f"Nothing that was complete at {since} has changed since.")
        return
    first = len(found.columns) - 2 * len(dict.fromkeys(question.metrics))
    output.table(found.columns, rows, right=set(range(first, len(found.columns))))


def _filters(texts: tuple[str, ...]) -> tuple[Filter, ...]:
    """Return the filters; values of one dimension are alternatives."""
    merged: dict[tuple[str, bool], tuple[str, ...]] = {}
    for item in map(Filter.parse, texts):
        key = (item.dimension, item.exclude)
        merged[key] = merged.get(key, ()) + item.values
    return tuple(Filter(name, values, exclude) for (name, exclude), values in merged.items())


@group.command()
@click.option("--format", "form", type=FORMATS, default="table", show_default=True)
@with_place
def metrics(place: Place, form: str) -> None:
    """List what can be asked: metrics and dimensions.

    With the unit and meaning of each, and whether higher or lower is better.
    """
    try:
        listed = reach(place.home).catalogue()
    except SettingError:
        from analyticspro.workspace import catalogue  # no workspace yet: the shipped ones

        listed = catalogue()
    if form == "json":
        output.print_json(listed)
        return
    columns = ["name", "unit", "better", "meaning"]
    rows = [[str(metric[name]) for name in columns] for metric in listed["metrics"]]
    if form == "csv":
        output.print_csv(columns, rows)
        return
    output.table(columns, rows, right=set())
    click.echo("\nBreak down or filter by:")
    output.table(
        ["name", "meaning"],
        [[item["name"], item["meaning"]] for item in listed["dimensions"]],
        right=set(),
    )
