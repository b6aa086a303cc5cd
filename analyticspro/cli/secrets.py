"""`analyticspro secrets set|list|remove|rotate-key`."""

from __future__ import annotations

import sys

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.errors import SettingError
from analyticspro.secrets_store import KeyPlace, Secrets, split

__all__ = ["secrets"]


@group.group()
def secrets() -> None:
    """Keep what sources sign in with: passwords, tokens, keys.

    They are sealed in the workspace, never shown again, and never written into sources.toml,
    logs or messages. A source finds its own by its name.

    \b
    analyticspro secrets set crm.token
    analyticspro secrets list
    """  # noqa: D301 (see query)


@secrets.command("set")
@click.argument("name")
@with_place
def set_(place: Place, *, name: str) -> None:
    """Keep a secret under NAME, which is SOURCE.NAME.

    Its value is asked for, unseen, or read from standard input; as an argument it would be
    seen by others and stay in the shell's history. Running services use it from now on.

    \b
    analyticspro secrets set crm.token
    analyticspro --home ~/acme secrets set shop_database.password  < password.txt
    """  # noqa: D301
    source, rest = split(name)
    value = _value(name)
    place.home.prepare()
    replaced = Secrets.open(place.home).set(source, rest, value, now=clock.now())
    output.say(f"{name} is {'replaced' if replaced else 'kept'}.")


@secrets.command("list")
@form_option
@with_place
def list_(place: Place, *, form: str) -> None:
    """Show which secrets are kept, never their values."""
    kept = Secrets.open(place.home).names()
    if form == "json":
        output.print_json([{"name": one.name, "set_at": one.set_at.isoformat()} for one in kept])
    elif kept:
        rows = [[one.name, f"{one.set_at:%Y-%m-%d %H:%M}"] for one in kept]
        output.table(["secret", "set (UTC)"], rows, right=set())
    else:
        output.say("None yet. 'analyticspro secrets set --help' tells how.")


@secrets.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@with_place
def remove(place: Place, *, name: str, yes: bool) -> None:
    """Forget the secret NAME.

    The source that it belongs to can no longer sign in.

    \b
    analyticspro secrets remove crm.token
    """  # noqa: D301
    source, rest = split(name)
    if not yes:
        click.confirm(f"Forget {name}? It cannot be brought back", abort=True, err=True)
    Secrets.open(place.home).remove(source, rest)
    output.say(f"{name} is forgotten.")


@secrets.command("rotate-key")
@click.option(
    "--keep-in",
    type=click.Choice([place.value for place in KeyPlace]),
    help="Keep the key in the system's keyring, or in a file of the workspace. "
    "Default: where it is now.",
)
@with_place
def rotate_key(place: Place, *, keep_in: str | None) -> None:
    """Seal all secrets with a new key.

    The old one opens nothing any more, but backups of before. Do it after someone may have
    seen the key, and set the secrets themselves anew.

    \b
    analyticspro secrets rotate-key
    analyticspro secrets rotate-key --keep-in keyring
    """  # noqa: D301
    store = Secrets.open(place.home)
    count = len(store.names())
    kept_in = store.rotate_key(keep_in=None if keep_in is None else KeyPlace(keep_in))
    where = "the system's keyring" if kept_in is KeyPlace.KEYRING else "the workspace"
    output.say(f"{count} secret(s) sealed with a new key, which is in {where}.")


def _value(name: str) -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt(f"Value of {name} (not shown)", hide_input=True, err=True)
        return asked
    given = sys.stdin.buffer.read()
    try:
        return given.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingError(f"The value of {name!r} on standard input is not UTF-8 text.") from None
