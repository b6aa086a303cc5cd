"""`analyticspro sql`."""

from __future__ import annotations

import json
import sys

import click

from analyticspro.cli import output
from analyticspro.cli.figures import FORMATS
from analyticspro.cli.root import Place, group, with_place
from analyticspro.errors import DefinitionError


@group.command()
@click.argument("statement")
@click.option(
    "--value",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="What $NAME in the statement stands for: a number, true, false, null, or else a text.",
)
@click.option(
    "--format",
    "form",
    type=FORMATS,
    default="table",
    show_default=True,
    help="table for people; csv and json for programs, json with provenance.",
)
@with_place
def sql(place: Place, *, statement: str, given: tuple[str, ...], form: str) -> None:
    """Run one SELECT on the views events, sessions and customers.

    A STATEMENT of - is read from stdin. docs/sql.md lists columns, functions and limits.

    \b
    analyticspro sql "SELECT name, count(*) AS n FROM events GROUP BY name ORDER BY n DESC"
    analyticspro sql 'SELECT count(*) AS n FROM events WHERE country = $of' --value of=France
    """  # noqa: D301 (click takes the backspace for: leave these lines as they are)
    if statement == "-":
        statement = sys.stdin.read()
    answer = place.client.transport.sql(statement, dict(map(_value, given)))
    rows = answer.frame.rows()
    if form == "json":
        rows_by_name = answer.frame.to_dicts()
        output.print_json({"rows": rows_by_name, "provenance": answer.provenance})
    elif form == "csv":
        output.print_csv(answer.frame.columns, [[_text(cell, "") for cell in row] for row in rows])
    else:
        kinds = answer.frame.dtypes
        numbers = {place for place, kind in enumerate(kinds) if kind.is_numeric()}
        shown = [[_text(cell, "—") for cell in row] for row in rows]
        output.table(answer.frame.columns, shown, right=numbers)
    for note in answer.provenance["notes"]:
        output.say(note)


def _value(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign:
        raise DefinitionError(f"--value {text!r} has no '='. Write --value country=France.")
    try:
        found = json.loads(value)
    except ValueError:
        return name, value
    return name, value if isinstance(found, dict | list | str) else found


def _text(value: object, nothing: str) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return nothing if value is None else str(value)
