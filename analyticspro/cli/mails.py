"""`analyticspro mails list|resend`."""

from __future__ import annotations

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place

__all__ = ["mails"]


@group.group()
def mails() -> None:
    """See what became of mails.

    The settings mail_url and mail_from say how mail is sent; the running services send it.

    \b
    analyticspro mails list --state dead
    analyticspro mails resend 17
    """  # noqa: D301 (see query)


@mails.command("list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "sending", "sent", "dead"]),
    metavar="STATE",
    help="Only those waiting, sending, sent or dead.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many at most, the newest.",
)
@form_option
@with_place
def list_(place: Place, *, state: str | None, limit: int, form: str) -> None:
    """Show the newest mails, never their content."""
    from analyticspro.state import MailState, State

    wanted = list(MailState) if state is None else [MailState(state)]
    with State.open(place.home.prepare().state_address) as opened:
        found = opened.mails.all(wanted, limit=limit)
    if form == "json":
        hidden = {"content", "owner"}
        output.print_json(
            [
                {name: value for name, value in vars(mail).items() if name not in hidden}
                for mail in found
            ]
        )
    elif found:
        output.table(
            ["mail", "queued (UTC)", "kind", "to", "state", "attempts", "reason"],
            [
                [
                    str(mail.id),
                    f"{mail.queued_at:%Y-%m-%d %H:%M}",
                    mail.kind,
                    output.printable(mail.recipient),
                    str(mail.state),
                    str(mail.attempt),
                    output.printable(mail.error or "—"),
                ]
                for mail in found
            ],
            right={0, 5},
        )
    else:
        output.say("No such mails.")


@mails.command()
@click.argument("number", type=int)
@with_place
def resend(place: Place, *, number: int) -> None:
    """Try the dead mail NUMBER again.

    \b
    analyticspro mails resend 17
    """  # noqa: D301
    from analyticspro.state import State

    with State.open(place.home.prepare().state_address) as opened:
        opened.mails.resend(number, attempts=14, now=clock.now())
    output.say(f"Mail {number} waits to be sent.")
