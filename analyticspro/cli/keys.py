"""`analyticspro keys create|list|revoke`."""

from __future__ import annotations

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.errors import DefinitionError

__all__ = ["keys"]


@group.group()
def keys() -> None:
    """Say who may send events.

    A write key lets its holder send events of one source, and nothing else. It goes into the
    settings of Segment's libraries, or into 'Authorization: Bearer KEY'. docs/collector.md
    tells what may be sent.

    \b
    analyticspro keys create website --origin https://shop.example
    analyticspro keys list
    """  # noqa: D301 (see query)


@keys.command()
@click.argument("name")
@click.option("--source", help="Source that its events belong to. Default: NAME.")
@click.option("--rate", type=float, help="Most events a second. Default: no limit.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Web origin that browsers may send from, or * for any; can be given again. "
    "Default: none, for servers and apps only.",
)
@click.option("--signed", is_flag=True, help="Take signed deliveries only.")
@form_option
@with_place
def create(
    place: Place,
    *,
    name: str,
    source: str | None,
    rate: float | None,
    origins: tuple[str, ...],
    signed: bool,
    form: str,
) -> None:
    """Make a write key called NAME, and print it.

    It is printed this once; the workspace keeps only what tells it from others. With --signed
    the secret to sign with is printed in the line below.

    \b
    analyticspro keys create website --origin https://shop.example --rate 500
    analyticspro --home ~/acme keys create backend --source shop --signed
    """  # noqa: D301
    from analyticspro.collecting import WriteKeys  # it would slow down every other command

    if place.home.settings.demo:
        raise DefinitionError(
            f"{place.home.path} holds demo data, which is never mixed with real data. "
            "Give your own a home: analyticspro --home DIR keys create NAME"
        )
    made = WriteKeys.of(place.home.prepare()).create(
        name, source=source, rate=rate, origins=origins, is_signed=signed, now=clock.now()
    )
    if form == "json":
        output.print_json({"name": name, "key": made.text, "secret": made.key.secret})
        return
    click.echo(made.text)
    if made.key.secret is not None:
        click.echo(made.key.secret)
    output.say(
        f"Its events go to source {made.key.source}. It is not shown again; "
        f"'analyticspro keys revoke {name}' ends it."
    )


@keys.command("list")
@form_option
@with_place
def list_(place: Place, *, form: str) -> None:
    """Show the write keys, never their text."""
    from analyticspro.collecting import WriteKeys

    found = WriteKeys.of(place.home).all()
    if form == "json":
        output.print_json(
            [
                {
                    "name": key.name,
                    "source": key.source,
                    "created_at": key.created_at,
                    "rate": key.rate,
                    "origins": key.origins,
                    "signed": key.secret is not None,
                }
                for key in found
            ]
        )
    elif found:
        output.table(
            ["key", "source", "made (UTC)", "events/s", "signed", "web origins"],
            [
                [
                    key.name,
                    key.source,
                    key.created_at[:16].replace("T", " "),
                    "—" if key.rate is None else f"{key.rate:g}",
                    "no" if key.secret is None else "yes",
                    " ".join(key.origins) or "—",
                ]
                for key in found
            ],
            right={3},
        )
    else:
        output.say("None yet. 'analyticspro keys create --help' tells how.")


@keys.command()
@click.argument("name")
@with_place
def revoke(place: Place, *, name: str) -> None:
    """End the write key NAME.

    Within a moment nothing is taken with it any more. The events that came with it stay. It
    cannot be had back.

    \b
    analyticspro keys revoke website
    """  # noqa: D301
    from analyticspro.collecting import WriteKeys

    WriteKeys.of(place.home).revoke(name)
    output.say(f"{name} is revoked.")
