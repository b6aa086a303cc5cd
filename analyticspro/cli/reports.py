"""`analyticspro report`."""

from __future__ import annotations

from pathlib import Path

import click

from analyticspro import reporting
from analyticspro.cli import output
from analyticspro.cli.root import Place, group, with_place
from analyticspro.errors import DefinitionError


@group.command()
@click.argument("name")
@click.option("--period", metavar="PERIOD", help="As for query; the notebook's own by default.")
@click.option(
    "--set",
    "values",
    metavar="PARAMETER=VALUE",
    multiple=True,
    help="Any other parameter of the notebook, such as country=France.",
)
@click.option("--to", "form", type=click.Choice(["html"]), default="html", show_default=True)
@click.option(
    "--output",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it. Default: NAME-PERIOD.html in this folder.",
)
@with_place
def report(
    place: Place,
    name: str,
    period: str | None,
    values: tuple[str, ...],
    form: str,
    file: Path | None,
) -> None:
    """Run the report NAME into one file that can be mailed.

    \b
    analyticspro report overview --period 2011-11 --to html
    analyticspro report overview --period 2011-Q4 --set country=France --output q4.html

    The file's path goes to stdout; the executed notebook is kept in the workspace.
    """  # noqa: D301 (see query)
    parameters = dict(_pair(text) for text in values)
    if period:
        parameters["period"] = period
    with output.bar(f"Report {name}") as show:
        written = reporting.run_report(
            place.home, name, parameters, to=form, output=file, progress=show
        )
    click.echo(str(written))


def _pair(text: str) -> tuple[str, str]:
    parameter, sign, value = text.partition("=")
    if not sign:
        raise DefinitionError(f"{text!r} is not of the form PARAMETER=VALUE.")
    return parameter.strip(), value
