"""`analyticspro doctor`."""

from __future__ import annotations

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place

__all__ = ["doctor"]

_SOMETHING_IS_WRONG = 7


@group.command()
@form_option
@with_place
def doctor(place: Place, *, form: str) -> None:
    """Examine the workspace: what is wrong, and what to do about it.

    It looks at packages, rights, disk, warehouse, services, ports, sources, secrets, clock,
    logs and backups, and changes nothing. Exit code 7 if something is wrong.

    \b
    analyticspro doctor
    analyticspro --home ~/acme doctor --format json
    """  # noqa: D301 (see query)
    # It reaches the warehouse and every connector, which other commands need not load.
    from analyticspro.services.diagnosis import examine

    findings = examine(place.home, now=clock.now())
    wrong = [finding for finding in findings if not finding.is_ok]
    if form == "json":
        output.print_json([finding.to_json() for finding in findings])
    else:
        output.table(
            ["check", "state", "found"],
            [[one.check, "ok" if one.is_ok else "problem", one.found] for one in findings],
            right=set(),
        )
        for finding in wrong:
            click.echo(f"\n{finding.check}: {output.printable(finding.found)}.")
            click.echo(f"  {output.printable(finding.cure)}")
    if wrong:
        click.get_current_context().exit(_SOMETHING_IS_WRONG)
    output.say("All is well.")
