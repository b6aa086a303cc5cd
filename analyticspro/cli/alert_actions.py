"""`analyticspro alerts ack|assign|comment|snooze|resolve|silence`."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.alerts import alerts, opened
from analyticspro.cli.root import Place, with_place
from analyticspro.cli.schedules import instant
from analyticspro.errors import DefinitionError

_NUMBERS = click.argument("numbers", metavar="NUMBER…", type=int, nargs=-1, required=True)
_WHY = click.option("--why", default="", metavar="TEXT", help="Kept in the log.")


def _done(place: Place, numbers: Sequence[int], action: str, **more: Any) -> None:
    from analyticspro.alerts.book import Action

    with opened(place) as book:
        who, now = getpass.getuser(), clock.now()
        found = book.act(numbers, Action(action), who=who, now=now, **more)
    for alert in found:
        output.say(f"{alert.id} ({alert.rule}) is {alert.state}.")


@alerts.command()
@_NUMBERS
@_WHY
@with_place
def ack(place: Place, *, numbers: tuple[int, ...], why: str) -> None:
    """Say that somebody is at it."""
    _done(place, numbers, "acknowledge", text=why)


@alerts.command()
@_NUMBERS
@click.option("--to", "name", default="", help="To whom; to nobody if it is left out.")
@with_place
def assign(place: Place, *, numbers: tuple[int, ...], name: str) -> None:
    """Give alerts to somebody."""
    _done(place, numbers, "assign", text=name)


@alerts.command()
@_NUMBERS
@click.option("--text", required=True, metavar="TEXT", help="What is to be said.")
@with_place
def comment(place: Place, *, numbers: tuple[int, ...], text: str) -> None:
    """Add a comment to the log."""
    _done(place, numbers, "comment", text=text)


@alerts.command()
@_NUMBERS
@click.option("--until", required=True, metavar="TIME", help="Such as 2026-12-01T09:00.")
@with_place
def snooze(place: Place, *, numbers: tuple[int, ...], until: str) -> None:
    """Look at alerts again later."""
    _done(place, numbers, "snooze", until=instant(place, until))


@alerts.command()
@_NUMBERS
@_WHY
@with_place
def resolve(place: Place, *, numbers: tuple[int, ...], why: str) -> None:
    """Close alerts by hand."""
    _done(place, numbers, "resolve", text=why)


@alerts.command()
@click.option("--rule", "name", metavar="NAME", help="Alerts of this rule.")
@click.option(
    "--severity",
    type=click.Choice(["critical", "warning", "info"]),
    metavar="SEVERITY",
    help="critical, warning or info.",
)
@click.option(
    "--series", multiple=True, metavar="DIMENSION=VALUE", help="Alerts of it; may be repeated."
)
@click.option("--for", "lasts", required=True, metavar="TIME", help="Such as 2h; at most 90d.")
@click.option("--why", required=True, metavar="TEXT", help="Shown to who wonders.")
@with_place
def silence(
    place: Place,
    *,
    name: str | None,
    severity: str | None,
    series: tuple[str, ...],
    lasts: str,
    why: str,
) -> None:
    """Tell nobody of some alerts for a while.

    They fire and are logged nevertheless. An alert must agree with all that is given.
    """
    from analyticspro.alerts.durations import parse_duration

    matcher: dict[str, Any] = {"rule": name, "severity": severity}
    matcher = {key: value for key, value in matcher.items() if value is not None}
    if series:
        matcher["series"] = dict(map(_pair, series))
    with opened(place) as book:
        number = book.silence(
            matcher,
            lasts=parse_duration(lasts, "--for"),
            reason=why,
            who=getpass.getuser(),
            now=clock.now(),
        )
    output.say(f"Silence {number} holds for {lasts}.")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise DefinitionError(f"{text!r} is no series. Write DIMENSION=VALUE.")
    return name, value
