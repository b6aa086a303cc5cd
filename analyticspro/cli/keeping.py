"""`analyticspro archive` and `analyticspro erase`: what is kept, and what is not."""

from __future__ import annotations

import os
import pwd
from typing import Any

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import reach
from analyticspro.errors import DefinitionError


@group.group("archive", invoke_without_command=True)
@form_option
@click.pass_context
def archive(context: click.Context, form: str) -> None:
    """Move old events into files beside the data.

    They are read there as before. The setting hot_days says how old; it is done every night
    by itself. What is older than the setting keep_days is deleted for good; sums of it are
    kept. To see whether the files are whole:

    \b
    analyticspro archive verify
    """  # noqa: D301
    if context.invoked_subcommand is not None:
        return
    place = context.find_object(Place)
    assert place is not None
    place.home.prepare()
    with output.bar("Archiving") as show:
        [done] = reach(place.home).archive(lambda step: show(step["done"], step["total"]))
    if form == "json":
        output.print_json(done)
        return
    click.echo(f"{done['events']:,} events moved into {done['files']:,} file(s).")
    for month in done["expired"]:
        output.say(f"Deleted the {month['events']:,} events of {month['month']}; sums are kept.")


@archive.command("verify")
@form_option
@with_place
def verify_archive(place: Place, *, form: str) -> None:
    """Read the archive to its last byte: is it what was written?"""
    with output.bar("Reading") as show:
        [found] = reach(place.home).check_archive(lambda step: show(step["done"], step["total"]))
    if form == "json":
        output.print_json(found)
    elif found["files"]:
        click.echo(
            f"{found['files']:,} file(s) are whole: {found['events']:,} events, "
            f"{found['bytes']:,} bytes, {found['first_month']} to {found['last_month']}."
        )
    else:
        click.echo("Nothing is archived.")


@group.command()
@click.option(
    "--customer", "customers", metavar="ID", multiple=True, help="A customer_id of the person."
)
@click.option("--user", "users", metavar="ID", multiple=True, help="A user_id of the person.")
@click.option("--reason", metavar="TEXT", help="Why, for the receipt.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@form_option
@with_place
def erase(
    place: Place,
    *,
    customers: tuple[str, ...],
    users: tuple[str, ...],
    reason: str | None,
    yes: bool,
    form: str,
) -> None:
    """Erase a person from the workspace.

    That is all events that name them, archived or not, and what was set aside. Nothing brings
    these events back, no sync either. Backups are not changed: the receipt names those that may
    hold the person still. It is kept in the folder erasures.

    \b
    analyticspro erase --customer 17850 --reason "asked for it on 3 May"
    """  # noqa: D301
    if not (customers or users):
        raise DefinitionError("Name the person by --customer ID, --user ID, or both.")
    if not yes:
        who = [f"customer {each!r}" for each in customers] + [f"user {each!r}" for each in users]
        click.confirm(
            f"Erase {' and '.join(who)} from {place.home.path}? It cannot be undone.", abort=True
        )
    place.home.prepare()
    with output.bar("Erasing") as show:
        [receipt] = reach(place.home).erase(
            customers, users, _account(), reason, lambda step: show(step["done"], step["total"])
        )
    if form == "json":
        output.print_json(receipt)
    else:
        _print(receipt)


def _print(receipt: dict[str, Any]) -> None:
    click.echo(
        f"Erased {receipt['events']:,} events, {receipt['older_versions']:,} older versions of "
        f"events, {receipt['conflicts']:,} conflicts, {receipt['set_aside']:,} records that were "
        f"set aside. {receipt['of_these_archived']:,} of the versions were archived."
    )
    output.say(f"The receipt is {receipt['file']}.")
    for backup in receipt["backups"]:
        output.say(f"{backup} may hold the person still.")


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
