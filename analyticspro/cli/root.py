"""The command `analyticspro`: options of every command, and how errors end it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import click

from analyticspro.client import Client
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError

__all__ = ["Place", "any_form_option", "form_option", "group", "with_place"]

P = ParamSpec("P")

HELP = """Analytics on Jupyter: governed figures from your own data.

\b
A first look, on demo data:
  analyticspro up --demo                       start, and print the address to open
  analyticspro metrics                         what can be asked
  analyticspro query revenue --grain month     ask it
\b
Your own data, in a home of its own:
  analyticspro --home ~/acme sources check --sources sources.toml
  analyticspro --home ~/acme sources sync --sources sources.toml
  analyticspro --home ~/acme query revenue orders --by country --period 2011-11

Commands ask the running services. Where none run they open the workspace themselves,
which only the account that owns it can do.

\b
Results go to stdout, everything else to stderr. Exit codes:
  0  done
  1  an unexpected error
  2  the question, an option or a setting is wrong
  3  a source or a record cannot be read
  4  a service does not answer, or another process is at work: try again
  5  the stored data cannot be opened as it is
  6  not allowed
  7  the doctor found something wrong
"""


@dataclass(frozen=True)
class Place:
    """The workspace that a command is about."""

    home: Home

    @property
    def client(self) -> Client:
        """A client of it."""
        return Client(self.home)


form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="table for people, json for programs.",
)


any_form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="table for people; csv and json for programs.",
)


class _Group(click.Group):
    """Turns errors meant for the user into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AnalyticsProError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            # Whoever read the result has had enough, as `head` does.
            sys.stderr.close()
            ctx.exit(0)


@click.group(
    cls=_Group,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--home",
    metavar="DIR",
    help="Folder of the workspace: its data, settings and secrets. "
    "Default: ANALYTICSPRO_HOME, else ~/.analyticspro.",
)
@click.version_option(package_name="analyticspro", prog_name="analyticspro")
@click.pass_context
def group(context: click.Context, home: str | None) -> None:
    """Find the workspace for the command that follows."""
    context.obj = Place(Home.find(home))


def with_place(
    command: Callable[Concatenate[Place, P], None],
) -> Callable[P, None]:
    """Give the workspace to a command as its first argument."""

    @wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        command(click.get_current_context().find_object(Place), *args, **kwargs)  # type: ignore[arg-type]

    return call
