"""`analyticspro sources preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyticspro import clock, connectors, ingest
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, with_place
from analyticspro.cli.sources import file_option, sources
from analyticspro.config import environment
from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.secrets_store import Secrets

if TYPE_CHECKING:
    from analyticspro.ingest import Preview

_WIDEST = 24


@sources.command()
@file_option
@form_option
@click.argument("what", nargs=-1, required=True, metavar="NAME|FILE...")
@with_place
def preview(place: Place, *, file: Path | None, form: str, what: tuple[str, ...]) -> None:
    """Show the first records, and how to connect them.

    NAME is a declared source. Of a FILE (CSV, JSON lines or Parquet, packed or not) nothing
    need be declared: a declaration is proposed, from the names of its columns and what is in
    them. Look at it, put it into sources.toml, try it with 'sources check'. Nothing is stored.

    \b
    analyticspro sources preview exports/orders.csv
    analyticspro sources preview crm
    """  # noqa: D301 (see query)
    shown = [each for one in what for each in _previews(place, file, one)]
    if form == "json":
        output.print_json([each.to_json() for each in shown])
        return
    for number, each in enumerate(shown):
        if number:
            click.echo()
        _print(each)


def _previews(place: Place, file: Path | None, what: str) -> list[Preview]:
    secrets, now = Secrets.open(place.home), clock.now()
    chosen = (file or place.home.sources_file).absolute()
    declared = {}
    if file is not None or chosen.exists():
        declared = {source.name: source for source in connectors.load(chosen, environment())}
    if what in declared:
        return list(ingest.preview(declared[what], secrets=secrets, now=now))
    if "://" in what:
        raise DefinitionError(
            f"Of {what.partition('?')[0]} nothing is known: declare it as a source first, as "
            "examples/rest-api/sources.toml does, then preview it by its name. A file can be "
            "looked at without."
        )
    if not Path(what).is_file() and not {"/", "."} & set(what):
        raise UnknownName.of("source or file", what, declared)
    currency = place.home.settings.currency
    return [ingest.preview_file(Path(what), currency=currency, secrets=secrets, now=now)]


def _print(found: Preview) -> None:
    output.say(f"{found.name}: {found.looked_at:,} records looked at.")
    output.table(
        ["field", "looks like", "filled", "could be" if found.declaration else "is", "for example"],
        [
            [
                each["field"],
                each["kind"],
                f"{each['filled']:,}",
                each["role"] or "—",
                each["example"] or "—",
            ]
            for each in found.fields
        ],
        right={2},
    )
    click.echo(f"\nThe first {len(found.records)}:")
    names = [each["field"] for each in found.fields]
    output.table(names, [[_cell(row.get(name)) for name in names] for row in found.records],
                 right=set())  # fmt: skip
    if found.declaration:
        click.echo(f"\n{_plain(found.declaration)}", nl=False)
        output.say("\nA proposal. Look at it, put it into sources.toml, try 'sources check'.")
    if found.lacking:
        output.say(f"\nNothing is proposed: there is no {found.lacking}.")
    if found.rejected:
        output.say(f"{found.rejected:,} of the first records would be set aside.")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _plain(declaration: str) -> str:
    """Return it without what a terminal would obey; TOML escapes that itself, but for C1."""
    return "\n".join(output.printable(line) for line in declaration.split("\n"))
