"""`analyticspro sources ledger`."""

from __future__ import annotations

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, any_form_option, with_place
from analyticspro.cli.sources import sources
from analyticspro.client import reach

_COUNTS = ["seen", "new", "changed", "duplicates", "conflicts", "late", "rejected", "retracted"]
_THEIRS = ["live", "theirs", "difference"]


@sources.command()
@click.option("--ask", is_flag=True, help="Ask databases and APIs how many records they have now.")
@any_form_option
@with_place
def ledger(place: Place, *, ask: bool, form: str) -> None:
    """Show what became of every record of each source.

    Over the parts of a source (its files or streams), records seen = new + changed +
    duplicates + set aside, and events now = new - retracted.

    Beside the events stands how many records the source has: of a file, those in it when it
    was read; with --ask of a database's table, and of an API that says so (count, or
    paging.total by offset). Below the table stands why they differ.
    """
    rows = reach(place.home).ledger(ask=ask)
    if form == "json":
        output.print_json(rows)
        return
    columns = ["source", "part", *_COUNTS, *_THEIRS]
    if form == "csv":
        told = [*columns, "explained"]
        output.print_csv(
            told, [["" if row[one] is None else str(row[one]) for one in told] for row in rows]
        )
        return
    if not rows:
        output.say("Nothing came in yet.")
        return
    heads = [name.replace("rejected", "set aside") for name in _COUNTS]
    output.table(
        ["source", "part", *heads, "events now", "source has", "difference"],
        [
            [
                row["source"],
                row["part"],
                *("—" if row[one] is None else f"{row[one]:,}" for one in [*_COUNTS, *_THEIRS]),
            ]
            for row in rows
        ],
        right=set(range(2, len(columns))),
    )
    for row in rows:
        if row["explained"]:
            click.echo(output.printable(f"{row['source']}, {row['part']}: {row['explained']}"))
