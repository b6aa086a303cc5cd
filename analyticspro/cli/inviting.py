"""What `up` tells of coming in: the first admin's link, or those of a demo's made-up people."""

from __future__ import annotations

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.people import me, opened
from analyticspro.cli.root import Place
from analyticspro.config import Home

__all__ = ["demo_link", "invite"]


def invite(place: Place, address: str) -> None:
    """Print what to open, alone on standard output, and say what it is.

    Args:
        place: The workspace, whose services run.
        address: What people open.
    """
    from analyticspro.accounts.trying import is_for_trying

    home = Home(place.home.path)  # it may have become a demo since its settings were read
    if is_for_trying(home):
        click.echo(demo_link(place, "admin"))
        output.say("Open this: it signs in as the demo's admin. As others, each link once:")
        for role in ("manager", "analyst", "viewer"):
            output.say(f"  {role:8} {demo_link(place, role)}")
        output.say("'analyticspro link --as ROLE' prints another.")
    else:
        with opened(place) as accounts:
            first = accounts.joining.first_admin_link(now=clock.now())
        click.echo(first.url if first else address)
        output.say(
            f"Open this to become the first admin; it works once, until "
            f"{first.expires_at:%Y-%m-%d %H:%M} UTC, and the next 'up' ends it."
            if first
            else "Open this address and sign in. 'analyticspro people --help' lets others in."
        )
    output.say(
        f"Address: {address}\nWorkspace: {place.home.path} ({home.settings.name}). "
        "'analyticspro down' stops the services."
    )


def demo_link(place: Place, role: str) -> str:
    """Return a new link that signs in as the made-up person of a role; raises Forbidden."""
    from analyticspro.policy import Role

    with opened(place) as accounts:
        return accounts.trying.link(Role.of(role), by=me(), now=clock.now()).url
