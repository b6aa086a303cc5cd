"""`analyticspro backup`, `analyticspro verify` and `analyticspro restore`."""

from __future__ import annotations

from pathlib import Path

import click

from analyticspro import clock, services
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.client import reach
from analyticspro.config import Home
from analyticspro.errors import DefinitionError

_BACKUP = click.argument("folder", required=False, type=click.Path(path_type=Path))


@group.command("backup")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to make it in. Default: backups in the home.",
)
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1, 1000),
    help="Delete the older backups of the home but for the newest N, this one included.",
)
@form_option
@with_place
def back_up(place: Place, *, into: Path | None, keep: int | None, form: str) -> None:
    """Copy the whole workspace into a folder.

    That is data, settings, schedules, secrets, notebooks and reports. It may be at work
    meanwhile: readers go on, and who writes waits while the data's file is copied. The secrets
    go with the key that opens them: guard the copy as the workspace.

    \b
    analyticspro backup --keep 7
    analyticspro backup --into /mnt/safe
    """  # noqa: D301
    if into and keep:
        raise DefinitionError("--keep is for the backups in the home; leave it out with --into.")
    place.home.prepare()
    folder = None if into is None else str(into.expanduser().absolute())
    with output.bar("Copying") as show:
        [made] = reach(place.home).back_up(
            folder, keep, lambda step: show(step["done"], step["total"])
        )
    if form == "json":
        output.print_json(made)
        return
    click.echo(made["folder"])
    output.say(
        f"{made['files']:,} files, {made['size']:,} bytes, as of revision {made['revision']}."
    )
    for old in made["deleted"]:
        output.say(f"Deleted {old}.")


@group.command()
@_BACKUP
@form_option
@with_place
def verify(place: Place, *, folder: Path | None, form: str) -> None:
    """Read a backup to its last byte: is it whole, can it be opened?

    The newest of the workspace, or the one in FOLDER.
    """
    from analyticspro import backup

    chosen = _chosen(place, folder)
    with output.bar("Reading") as show:
        manifest = backup.check(chosen, progress=show)
    if form == "json":
        output.print_json({"folder": str(chosen), "made_at": manifest.made_at.isoformat(),
                           "files": len(manifest.files), "size": manifest.size,
                           "revision": manifest.revision})  # fmt: skip
        return
    click.echo(
        f"{chosen} is whole: {len(manifest.files):,} files, {manifest.size:,} bytes, made "
        f"{manifest.made_at:%Y-%m-%d %H:%M} UTC, as of revision {manifest.revision}."
    )


@group.command()
@_BACKUP
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_place
def restore(place: Place, *, folder: Path | None, yes: bool) -> None:
    """Make the workspace what it was when a backup was made.

    From the newest backup of the workspace, or the one in FOLDER. Its services must be
    stopped. What the workspace holds now is set aside, not deleted. Who was erased since the
    backup was made is erased again, as far as receipts of it are here or in other backups.

    \b
    analyticspro down
    analyticspro restore
    analyticspro --home ~/copy restore /mnt/safe/20111209T125000Z
    """  # noqa: D301
    from analyticspro import backup

    chosen = _chosen(place, folder).absolute()
    home = place.home
    services.check_stopped(home)
    if not yes and home.warehouse_file.exists():
        click.confirm(f"Put {chosen} in the place of what {home.path} holds now?", abort=True)
    with output.bar("Copying") as show:
        manifest, aside = backup.restore(home, chosen, now=clock.now(), progress=show)
    click.echo(
        f"{home.path} is as of {manifest.made_at:%Y-%m-%d %H:%M} UTC, revision {manifest.revision}."
    )
    if aside is not None:
        output.say(f"What was there before is in {aside}.")
    _erase_again(home)


def _erase_again(home: Home) -> None:
    from analyticspro.workspace import Workspace  # brings the warehouse

    with Workspace.open(home) as workspace:
        for receipt in workspace.repeated:
            output.say(
                f"Erased again, as on {receipt['by']}'s demand before: {receipt['events']:,} "
                f"events, {receipt['set_aside']:,} records that were set aside."
            )


def _chosen(place: Place, folder: Path | None) -> Path:
    from analyticspro import backup

    chosen = folder or backup.newest(place.home)
    if chosen is None:
        raise DefinitionError(
            f"{place.home.path} has no backup yet. 'analyticspro backup' makes one."
        )
    return chosen
