"""`analyticspro schema show|tag|untag|block|unblock|promote|demote|check`."""

from __future__ import annotations

from typing import Any

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import reach
from analyticspro.client.transport import Decision
from analyticspro.errors import DefinitionError

__all__ = ["schema"]

_PROPERTY = click.argument("where", metavar="EVENT.PROPERTY")


class _ShowsByItself(click.Group):
    """Takes anything but the name of a command for what is to be shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_help = any(word in ctx.help_option_names for word in args[:1])
        if not is_help and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@group.group(cls=_ShowsByItself)
def schema() -> None:
    """See the properties of events; decide on them.

    'analyticspro schema' is short for 'analyticspro schema show'. A property within another
    is written with dots, as context.ip; * in place of the event means events of all names.
    docs/schema.md tells more.

    \b
    analyticspro schema show order_placed
    analyticspro schema tag order_placed.email personal
    analyticspro schema block '*.context.ip'
    analyticspro schema promote order_placed.coupon
    """  # noqa: D301 (see query)


@schema.command()
@click.argument("event", required=False)
@form_option
@with_place
def show(place: Place, *, event: str | None, form: str) -> None:
    """Show the properties of EVENT, or of all events.

    For each its types, in how many of the events it is, when it was first and last seen,
    about how many different values there were, and some of them.

    \b
    analyticspro schema show order_placed
    """  # noqa: D301
    found = reach(place.home).schema(event)
    if form == "json":
        output.print_json(found)
        return
    if not found["events"]:
        output.say("No event was stored yet.")
    for number, described in enumerate(found["events"]):
        if number:
            click.echo()
        _print_event(described)
    ahead = [mark for mark in found["marks"] if not _is_shown(mark, found["events"])]
    for mark in ahead:
        what = "blocked" if mark["blocked"] else f"tagged {mark['tag']}"
        dropped = f", left out of {mark['dropped']:,} events" if mark["dropped"] else ""
        output.say(f"{mark['event']}.{mark['property']} is {what}{dropped}.")
    for each in found["promoted"]:
        filled = "" if each["filled"] == 1 else f", filled to {each['filled']:.0%}"
        output.say(
            f"{each['event']}.{each['property']} is the dimension {each['dimension']}{filled}."
        )
    if found["beyond"]:
        output.say(f"{found['beyond']:,} events have names beyond the first 500.")
    if found["waiting"]:
        output.say(f"{found['waiting']:,} changes are not counted yet; ask again in a while.")


@schema.command()
@_PROPERTY
@click.argument("tags", nargs=-1, required=True)
@with_place
def tag(place: Place, *, where: str, tags: tuple[str, ...]) -> None:
    """Tag a property, such as personal or revenue.

    Of a property that is tagged personal, no values are shown as examples.

    \b
    analyticspro schema tag order_placed.email personal
    """  # noqa: D301
    _decide(place, "tag", where, tags)


@schema.command()
@_PROPERTY
@click.argument("tags", nargs=-1, required=True)
@with_place
def untag(place: Place, *, where: str, tags: tuple[str, ...]) -> None:
    """Take tags off a property.

    \b
    analyticspro schema untag order_placed.email personal
    """  # noqa: D301
    _decide(place, "untag", where, tags)


@schema.command()
@_PROPERTY
@with_place
def block(place: Place, *, where: str) -> None:
    """Have a property not be stored from now on.

    It is left out of the record as it came, too. Of how many events it was left out is
    counted. What was stored before stays.

    \b
    analyticspro schema block order_placed.email
    analyticspro schema block '*.context.ip'
    """  # noqa: D301
    _decide(place, "block", where)
    output.say(f"{where} is not stored from now on. What was stored before stays.")


@schema.command()
@_PROPERTY
@with_place
def unblock(place: Place, *, where: str) -> None:
    """Have a property be stored again, from now on.

    \b
    analyticspro schema unblock order_placed.email
    """  # noqa: D301
    _decide(place, "unblock", where)


@schema.command()
@_PROPERTY
@click.option("--as", "name", metavar="NAME", help="What to call the dimension.")
@with_place
def promote(place: Place, *, where: str, name: str | None) -> None:
    """Have a property be a dimension of figures.

    They can be broken down and filtered by it at once, and quickly once a column of it is
    filled, which this waits for; the services, where they run, go on without it. The dimension
    is called as the last key of the property if nothing else is said.

    \b
    analyticspro schema promote order_placed.coupon
    analyticspro schema promote '*.context.app.version' --as app_version
    analyticspro query orders --by coupon
    """  # noqa: D301
    event, path = _parted(where)
    with output.bar("Filling") as show:
        [done] = reach(place.home).promote(
            event, path, name, lambda step: show(step["done"], step["total"])
        )
    output.say(
        f"{done['event']}.{done['property']} is the dimension {done['dimension']}. "
        f"Try: analyticspro query events --by {done['dimension']}"
    )


@schema.command()
@click.argument("dimension", metavar="NAME")
@with_place
def demote(place: Place, *, dimension: str) -> None:
    """Have a dimension be a mere property again.

    Nothing is lost: its values stay in the events, and it can be promoted again.

    \b
    analyticspro schema demote coupon
    """  # noqa: D301
    reach(place.home).demote(dimension)
    output.say(f"{dimension} is no dimension any more. Its values stay in the events.")


@schema.command()
@form_option
@with_place
def check(place: Place, *, form: str) -> None:
    """Show which contracts stored events broke.

    Takes in what contracts.toml says by now. Events that a contract rejects are shown by
    'analyticspro sources rejects' instead.

    \b
    analyticspro schema check
    """  # noqa: D301
    found = reach(place.home).violations()
    if form == "json":
        output.print_json(found)
        return
    rows = found["violations"]
    if rows:
        output.table(
            ["source", "property", "what is wrong", "events", "last", "examples"],
            [
                [
                    row["source"],
                    f"{row['event']}.{row['property']}",
                    row["reason"],
                    f"{row['events']:,}",
                    _minute(row["last_at"]),
                    _short(", ".join(row["examples"])),
                ]
                for row in rows
            ],
            right={3},
        )
    contracts = found["contracts"]
    names = ", ".join(contracts) or "none; docs/schema.md tells how to declare one"
    told = "" if rows else " No stored event broke one."
    output.say(f"Contracts in force: {names}.{told if contracts else ''}")


def _decide(place: Place, action: Decision, where: str, tags: tuple[str, ...] = ()) -> None:
    reach(place.home).decide(action, *_parted(where), tags)


def _parted(where: str) -> tuple[str, str]:
    event, dot, path = where.partition(".")
    if not (event and dot and path):
        raise DefinitionError(
            f"{where!r} names no property of an event. Write one such as order_placed.email."
        )
    return event, path


def _print_event(described: dict[str, Any]) -> None:
    click.echo(
        f"{described['name']}: {described['events']:,} events, "
        f"{_day(described['first_at'])} to {_day(described['last_at'])}"
    )
    if described["properties"]:
        output.table(
            ["property", "types", "filled", "values", "first", "last", "notes", "examples"],
            [
                [
                    each["path"],
                    _types(each["types"]),
                    "—" if each["fill_rate"] is None else f"{each['fill_rate']:.1%}",
                    f"{'' if each['distinct_is_exact'] else '~'}{each['distinct']:,}",
                    _day(each["first_at"]),
                    _day(each["last_at"]),
                    _notes(each),
                    _short(", ".join(each["examples"])),
                ]
                for each in described["properties"]
            ],
            right={2, 3},
        )
    if described["other"]:
        output.say(f"{described['other']:,} values are of properties beyond the first 200.")


def _notes(described: dict[str, Any]) -> str:
    notes = [*described["tags"], *(["blocked"] if described["blocked"] else [])]
    return " ".join([*notes, *(f"by:{name}" for name in described["dimensions"])]) or "—"


def _types(types: dict[str, int]) -> str:
    """Return the types, with their counts if there are several."""
    if len(types) == 1:
        return next(iter(types))
    return " ".join(f"{kind}:{events:,}" for kind, events in types.items())


def _is_shown(mark: dict[str, Any], events: list[dict[str, Any]]) -> bool:
    return not mark["blocked"] and any(
        mark["property"] == each["path"]
        for described in events
        if mark["event"] in ("*", described["name"])
        for each in described["properties"]
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _day(instant: str) -> str:
    return instant[:10]


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")
