"""`analyticspro audit list|verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.errors import AnalyticsProError

if TYPE_CHECKING:
    from analyticspro.audit import AuditLog

__all__ = ["AuditBroken", "audit"]


class AuditBroken(AnalyticsProError):
    """The audit log is not as it was written."""

    code = "audit_broken"
    exit_code = 5


@group.group()
def audit() -> None:
    """See who did what, and whether all is there.

    \b
    analyticspro audit list --refused
    analyticspro audit verify
    """  # noqa: D301 (see query)


@audit.command("list")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most, the newest.",
)
@click.option("--before", type=int, help="Only entries older than this number.")
@click.option("--who", help="Only of this person, by username such as p12.")
@click.option("--action", help="Only of this action, or of all below it: people, sign_in, …")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@form_option
@with_place
def list_(
    place: Place,
    *,
    limit: int,
    before: int | None,
    who: str | None,
    action: str | None,
    refused: bool,
    form: str,
) -> None:
    """Show the newest entries, the newest first.

    \b
    analyticspro audit list --action sign_in --refused
    """  # noqa: D301
    with _opened(place) as log:
        rows = log.newest(
            limit, before=before, who=who, action=action, allowed=False if refused else None
        )
    if form == "json":
        output.print_json([vars(row) for row in rows])
    elif rows:
        output.table(
            ["entry", "when (UTC)", "who", "from", "action", "to", "", "reason"],
            [
                [
                    str(row.seq),
                    f"{row.at:%Y-%m-%d %H:%M:%S}",
                    output.printable(row.who),
                    output.printable(row.origin),
                    row.action,
                    output.printable(row.subject),
                    "done" if row.allowed else "refused",
                    output.printable(row.reason),
                ]
                for row in rows
            ],
            right={0},
        )
    else:
        output.say("No such entries.")


@audit.command()
@click.option(
    "--head",
    "noted",
    metavar="NUMBER:DIGEST",
    help="A head that an earlier run printed, noted down elsewhere.",
)
@form_option
@with_place
def verify(place: Place, *, noted: str | None, form: str) -> None:
    """Tell whether the log is whole, and print its head.

    Nothing was changed, removed, put in or cut off if it says so. Note the head down where
    nobody of this machine can change it: with it a later run tells even what who owns the
    machine has done.

    \b
    analyticspro audit verify
    """  # noqa: D301
    from analyticspro.audit import Head

    head = None if noted is None else Head.parse(noted)
    with _opened(place) as log:
        verdict = log.verify(noted=head)
    if form == "json":
        output.print_json(
            {
                "whole": verdict.is_whole,
                "head": str(verdict.head),
                "entries": verdict.head.seq,
                "problems": verdict.problems,
            }
        )
    if not verdict.is_whole:
        raise AuditBroken("The audit log is not whole. " + " ".join(verdict.problems))
    if form != "json":
        click.echo(str(verdict.head))
        output.say(f"The log is whole: {verdict.head.seq:,} entries.")


@contextmanager
def _opened(place: Place) -> Iterator[AuditLog]:
    from analyticspro.audit import AuditLog  # with SQLAlchemy, half a second
    from analyticspro.state import State

    home = place.home.prepare()
    with State.open(home.state_address) as state:
        yield AuditLog.of(home, state)
