"""`analyticspro up|down|status|link`."""

from __future__ import annotations

import click

from analyticspro import services
from analyticspro.cli import output
from analyticspro.cli.demo import load_demo
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import Remote, reach
from analyticspro.errors import ServiceUnavailable


@group.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the pages; kept in settings.toml."
)
@click.option(
    "--api-port",
    type=click.IntRange(1, 65535),
    help="Port of the api; kept in settings.toml.",
)
@click.option("--demo", is_flag=True, help="Load demo data first if the workspace is empty.")
@with_place
def up(place: Place, *, port: int | None, api_port: int | None, demo: bool) -> None:
    """Start the services; print the one address to open.

    It is a link that signs in one browser. Started already, it just prints a new one. The
    services go on after the terminal is closed; 'analyticspro down' ends them.

    \b
    analyticspro up --demo
    analyticspro --home ~/acme up --port 9000 --api-port 9001
    """  # noqa: D301
    home = place.home
    is_new = not home.warehouse_file.exists()
    home.prepare()
    if port or api_port or not home.settings_file.exists():
        home.write_settings(port=port, api_port=api_port)
    if demo and is_new:
        load_demo(place)
    services.up(home, progress=output.say)
    click.echo(_link(place))
    output.say(
        "Open this address; it signs in one browser, once, within 15 minutes.\n"
        f"Workspace: {home.path} ({home.settings.name}). 'analyticspro link' prints another "
        "link, 'analyticspro down' stops the services."
    )


@group.command()
@with_place
def down(place: Place) -> None:
    """Stop the services. The data stays."""
    stopped = services.down(place.home)
    output.say(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")


@group.command()
@form_option
@with_place
def status(place: Place, *, form: str) -> None:
    """Show which services run, since when, and where.

    Exit code 4 unless all are ready.
    """
    states = services.status(place.home)
    if form == "json":
        output.print_json([state.to_json() for state in states])
    else:
        output.table(
            ["service", "state", "ready", "pid", "up for", "address"],
            [
                [
                    state.name,
                    state.state,
                    "yes" if state.is_ready else "no",
                    str(state.pid or "—"),
                    _duration(state.uptime_s),
                    state.address if state.address.startswith("http") else "—",
                ]
                for state in states
            ],
            right={3, 4},
        )
    if not all(state.is_ready for state in states):
        raise ServiceUnavailable("Not all services are ready. 'analyticspro up' starts them.")


@group.command()
@with_place
def link(place: Place) -> None:
    """Print a one-time link that signs in a browser."""
    click.echo(_link(place))


def _link(place: Place) -> str:
    transport = reach(place.home)
    if not isinstance(transport, Remote):
        raise ServiceUnavailable("The services do not run. 'analyticspro up' starts them.")
    return f"{services.address(place.home)}/signin?code={transport.link()}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
