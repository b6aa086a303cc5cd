"""`analyticspro policies list|grant|withdraw|explain`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.errors import DefinitionError

if TYPE_CHECKING:
    from analyticspro.audit import Actor
    from analyticspro.policies import Holder, Policies, Stored
    from analyticspro.state import Person, State

__all__ = ["policies"]

_ROLES = click.Choice(["admin", "manager", "analyst", "viewer"])


@group.group()
def policies() -> None:
    """See who may see what, change it, and ask why.

    Figures and fields carry tags (revenue, pii, health, credits, security, and words of your
    own by 'analyticspro schema tag'). Whoever has one grant that has all of them sees them, in
    the rows that pass its filters.

    \b
    analyticspro policies list
    analyticspro policies grant --role manager --tag revenue --where country=US,CA
    analyticspro policies explain ada@acme.example revenue
    """  # noqa: D301 (see query)


@policies.command("list")
@form_option
@with_place
def list_(place: Place, *, form: str) -> None:
    """Show every grant, with its number."""
    with _opened(place) as (_, found):
        grants = found.all()
    if form == "json":
        output.print_json([_plain(each) for each in grants])
        return
    output.table(
        ["grant", "who", "tags", "rows", "shows", "by", "since (UTC)"],
        [
            [
                str(each.number),
                output.printable(str(each.holder)),
                ", ".join(sorted(each.grant.tags)) or "—",
                output.printable(" and ".join(map(str, each.grant.where))) or "all",
                "aggregates only" if each.grant.aggregates_only else "aggregates, records",
                output.printable(each.made_by),
                "—" if each.made_at is None else f"{each.made_at:%Y-%m-%d %H:%M}",
            ]
            for each in grants
        ],
        right={0},
    )


@policies.command()
@click.option(
    "--role",
    type=_ROLES,
    metavar="ROLE",
    help="Everybody of this role: admin, manager, analyst or viewer.",
)
@click.option("--person", metavar="EMAIL", help="This person.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What; * for everything.")
@click.option(
    "--where",
    multiple=True,
    metavar="FIELD=VALUE[,VALUE]",
    help="Only in rows that pass; of several, those that pass all. FIELD!=VALUE leaves out.",
)
@click.option("--aggregates-only", is_flag=True, help="Figures, never single records.")
@with_place
def grant(
    place: Place,
    *,
    role: str | None,
    person: str | None,
    tags: tuple[str, ...],
    where: tuple[str, ...],
    aggregates_only: bool,
) -> None:
    """Grant tags to a role or a person.

    What carries several tags takes one grant that has all of them.

    \b
    analyticspro policies grant --person ada@acme.example --tag revenue --tag health
    analyticspro policies grant --role viewer --tag revenue --where partner_id=p1 --aggregates-only
    """  # noqa: D301
    from analyticspro.policy import Grant, RowFilter

    given = Grant(
        frozenset(tags), tuple(map(RowFilter.parse, where)), aggregates_only=aggregates_only
    )
    with _opened(place) as (state, found):
        holder = _holder(state, role, person)
        made = found.grant(holder, given, by=_me(), now=clock.now())
    output.say(f"Grant {made.number} of {made.holder}. It holds everywhere within 10 seconds.")


@policies.command()
@click.argument("number", type=click.IntRange(min=1))
@with_place
def withdraw(place: Place, *, number: int) -> None:
    """Withdraw the grant NUMBER.

    \b
    analyticspro policies withdraw 6
    """  # noqa: D301
    with _opened(place) as (_, found):
        gone = found.withdraw(number, by=_me(), now=clock.now())
    output.say(f"{gone.holder} has grant {number} no more, everywhere within 10 seconds.")


@policies.command()
@click.argument("person", metavar="EMAIL|ROLE")
@click.argument("what", metavar="WHAT")
@form_option
@with_place
def explain(place: Place, *, person: str, what: str, form: str) -> None:
    """Tell whether somebody sees or may do something, and why.

    WHAT is a metric, field, EVENT.PROPERTY, tag, capability or page; of a metric also
    'revenue by country where country=US', for a row.

    \b
    analyticspro policies explain ada@acme.example revenue
    analyticspro policies explain manager export
    analyticspro policies explain viewer amount_minor
    analyticspro policies explain analyst order_placed.email
    """  # noqa: D301
    from analyticspro.client import reach

    found = reach(place.home.prepare()).explain(person, what)
    if form == "json":
        output.print_json(found)
        return
    shown = {True: "Shown", False: "Hidden", None: "It depends"}[found["shown"]]
    lines = [f"{shown}. {found['reason']}"]
    if found["missing"]:
        lines += [f"Missing: {found['missing']}", found["cure"]]
    for line in lines:
        click.echo(output.printable(line))


def _person(state: State, email: str) -> Person:
    from analyticspro.state import PeopleTable

    with state.reading() as connection:
        return PeopleTable(connection).named(email.strip().lower())


def _holder(state: State, role: str | None, person: str | None) -> Holder:
    from analyticspro.policies import Holder
    from analyticspro.policy import Role

    if (role is None) == (person is None):
        raise DefinitionError("Say who: either --role ROLE or --person EMAIL.")
    if role is not None:
        return Holder.of_role(Role.of(role))
    return Holder.of_person(_person(state, str(person)).username)


def _plain(each: Stored) -> dict[str, object]:
    return {
        "number": each.number,
        "holder": str(each.holder),
        "tags": sorted(each.grant.tags),
        "where": [str(item) for item in each.grant.where],
        "aggregates_only": each.grant.aggregates_only,
        "made_by": each.made_by,
        "made_at": each.made_at,
    }


@contextmanager
def _opened(place: Place) -> Iterator[tuple[State, Policies]]:
    from analyticspro.policies import Policies  # with SQLAlchemy, half a second
    from analyticspro.state import State

    home = place.home.prepare()
    with State.open(home.state_address) as state:
        yield state, Policies.of(home, state)


def _me() -> Actor:
    from analyticspro.audit import Actor

    return Actor(f"machine:{getpass.getuser()}", "command line")
