"""`analyticspro up|down|status|link|units`."""

from __future__ import annotations

from pathlib import Path

import click

from analyticspro import services
from analyticspro.cli import output
from analyticspro.cli.demo import load_demo
from analyticspro.cli.inviting import demo_link, invite
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import Remote, reach
from analyticspro.errors import ServiceUnavailable


@group.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65531),
    help="First of five ports in a row; kept in settings.toml.",
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

    The first time it is a link by which one becomes the first admin; in a demo, one that signs in
    as its admin, and there is one for each other role. Started already, it just prints that. The
    services go on after the terminal is closed; 'analyticspro down' ends them.

    \b
    analyticspro up --demo
    analyticspro --home ~/acme up --port 9000
    """  # noqa: D301
    home = place.home
    is_new = not home.warehouse_file.exists()
    home.prepare()
    if port or api_port or not home.settings_file.exists():
        home.write_settings(**_ports(port, api_port))
    if demo and is_new:
        load_demo(place)
    running = services.up(home, progress=output.say)
    invite(place, running.address)


def _ports(first: int | None, api: int | None) -> dict[str, int | None]:
    names = ("port", "api_port", "hub_port", "hub_api_port", "proxy_api_port")
    row = {} if first is None else {name: first + at for at, name in enumerate(names)}
    return {**row, "api_port": api or row.get("api_port")}


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
@click.option(
    "--as",
    "role",
    type=click.Choice(["admin", "manager", "analyst", "viewer"]),
    metavar="ROLE",
    help="In a demo: sign in as its admin, manager, analyst or viewer.",
)
@with_place
def link(place: Place, *, role: str | None) -> None:
    """Print a one-time link that signs in a browser.

    It opens the dashboards as the owner of the machine, who sees everything, whether the hub
    runs or not. With --as it opens the hub as a made-up person of the demo.

    \b
    analyticspro link
    analyticspro link --as viewer
    """  # noqa: D301
    if role is not None:
        click.echo(demo_link(place, role))
        return
    transport = reach(place.home)
    if not isinstance(transport, Remote):
        raise ServiceUnavailable("The services do not run. 'analyticspro up' starts them.")
    click.echo(f"{services.address(place.home, 'dashboards')}/signin?code={transport.link()}")


@group.command()
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Folder to write them to; the current one otherwise.",
)
@click.option("--user", default="", metavar="ACCOUNT", help="The account that they run as.")
@with_place
def units(place: Place, *, into: Path, user: str) -> None:
    """Write unit files for systemd.

    By them a server starts the services, instead of by 'up'.

    \b
    analyticspro --home /srv/analytics units --user analytics --into /etc/systemd/system
    systemctl daemon-reload
    systemctl enable --now analyticspro.target
    """  # noqa: D301
    into.mkdir(parents=True, exist_ok=True)
    for name, text in services.units(place.home, user=user).items():
        (into / name).write_text(text, encoding="utf-8")
        click.echo(into / name)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
