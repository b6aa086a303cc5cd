"""`analyticspro people list|invite|role|approve|reset|remove`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place

if TYPE_CHECKING:
    from analyticspro.accounts import Accounts, OneTime
    from analyticspro.audit import Actor

__all__ = ["me", "opened", "people"]

_EMAIL = click.argument("email")
_ROLES = click.Choice(["admin", "manager", "analyst", "viewer"])


@group.group()
def people() -> None:
    """See who may come in, and change it.

    Admins do the same on the pages. This is for the owner of the machine: for the first admin,
    and for when nobody gets in.

    \b
    analyticspro people invite ada@acme.example --role analyst
    analyticspro people role ada@acme.example manager
    analyticspro people reset ada@acme.example
    """  # noqa: D301 (see query)


@people.command("list")
@form_option
@with_place
def list_(place: Place, *, form: str) -> None:
    """Show everybody with role and standing, and who is invited."""
    with opened(place) as accounts:
        persons, links = accounts.directory.all(), accounts.joining.invitations()
    rows = [
        {
            "email": person.email,
            "name": person.name,
            "role": person.role,
            "standing": str(person.standing),
            "username": person.username,
            "since": person.joined_at,
        }
        for person in persons
    ]
    rows += [
        {
            "email": link.email,
            "name": None,
            "role": link.role,
            "standing": "invited" if link.expires_at > clock.now() else "invitation expired",
            "username": None,
            "since": link.made_at,
        }
        for link in links
    ]
    if form == "json":
        output.print_json(rows)
    elif rows:
        output.table(
            ["e-mail", "name", "role", "standing", "username", "since (UTC)"],
            [
                [
                    str(value)[:16] if name == "since" else output.printable(str(value or "—"))
                    for name, value in row.items()
                ]
                for row in rows
            ],
            right=set(),
        )
    else:
        output.say("Nobody yet. 'analyticspro people invite --help' tells how.")


@people.command()
@_EMAIL
@click.option(
    "--role",
    type=_ROLES,
    metavar="ROLE",
    default="viewer",
    show_default=True,
    help="admin, manager, analyst or viewer.",
)
@with_place
def invite(place: Place, *, email: str, role: str) -> None:
    """Make an invitation for EMAIL, and print its link.

    It works once, for seven days, and ends an earlier one. Where mail is set up it is mailed
    as well.

    \b
    analyticspro people invite ada@acme.example --role admin
    """  # noqa: D301
    from analyticspro.policy import Role

    with opened(place) as accounts:
        _print(accounts.joining.invite(email, Role.of(role), by=me(), now=clock.now()))


@people.command()
@_EMAIL
@click.argument("role", type=_ROLES)
@with_place
def role(place: Place, *, email: str, role: str) -> None:
    """Give the person EMAIL another ROLE.

    \b
    analyticspro people role ada@acme.example manager
    """  # noqa: D301
    from analyticspro.policy import Role

    with opened(place) as accounts:
        person = accounts.directory.named(email)
        accounts.directory.set_role(person.id, Role.of(role), by=me(), now=clock.now())
    output.say(f"{person.email} is {role} now.")


@people.command()
@_EMAIL
@with_place
def approve(place: Place, *, email: str) -> None:
    """Let EMAIL in, who signed up and waits for it."""
    with opened(place) as accounts:
        person = accounts.directory.named(email)
        accounts.directory.approve(person.id, by=me(), now=clock.now())
    output.say(f"{person.email} may come in.")


@people.command()
@_EMAIL
@with_place
def reset(place: Place, *, email: str) -> None:
    """Print a link with which EMAIL chooses a new password.

    It works once, for an hour. The old password holds until then.

    \b
    analyticspro people reset ada@acme.example
    """  # noqa: D301
    with opened(place) as accounts:
        person = accounts.directory.named(email)
        _print(accounts.recovery.link(person.id, by=me(), now=clock.now()))


@people.command()
@_EMAIL
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_place
def remove(place: Place, *, email: str, yes: bool) -> None:
    """Remove EMAIL, or end its invitation.

    A person is signed out at once. The last admin cannot be removed.

    \b
    analyticspro people remove ada@acme.example --yes
    """  # noqa: D301
    from analyticspro.errors import UnknownName

    with opened(place) as accounts:
        try:
            person = accounts.directory.named(email)
        except UnknownName:
            if email not in [link.email for link in accounts.joining.invitations()]:
                raise
            accounts.joining.withdraw(email, by=me(), now=clock.now())
            output.say(f"The invitation of {email} is withdrawn.")
            return
        if not yes:
            click.confirm(f"Remove {person.email} ({person.role})?", abort=True, err=True)
        accounts.directory.remove(person.id, by=me(), now=clock.now())
    output.say(f"{person.email} is removed.")


@contextmanager
def opened(place: Place) -> Iterator[Accounts]:
    """Yield the accounts of a workspace, open."""
    from analyticspro.accounts import Accounts  # with SQLAlchemy, half a second
    from analyticspro.config import Addresses
    from analyticspro.state import State

    public = Addresses.of(place.home.prepare()).public
    with State.open(place.home.state_address) as state:
        yield Accounts.of(place.home, state, base_url=f"{public}/hub")


def _print(link: OneTime) -> None:
    click.echo(link.url)
    output.say(f"It works once, until {link.expires_at:%Y-%m-%d %H:%M} UTC. Hand it over safely.")


def me() -> Actor:
    """Return who is at the command line, for the audit log."""
    from analyticspro.audit import Actor

    return Actor(f"machine:{getpass.getuser()}", "command line")
