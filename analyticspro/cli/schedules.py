"""`analyticspro schedules list|history|run|pause|resume|backfill`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from analyticspro import clock
from analyticspro.cli import output
from analyticspro.cli.root import Place, form_option, group, with_place
from analyticspro.errors import DefinitionError
from analyticspro.period import to_instant, to_wall

if TYPE_CHECKING:
    from analyticspro.scheduling import Schedules
    from analyticspro.state import Run, Schedule

_NAME = click.argument("name")


@group.group()
def schedules() -> None:
    """See and steer what is run by itself, and when.

    A source is synced by itself if its table in sources.toml says every = "15m", or
    cron = "30 6 * * *"; the workspace is backed up by the setting backup_at. The services
    must be running for anything to happen.
    """


@schedules.command("list")
@form_option
@with_place
def list_all(place: Place, *, form: str) -> None:
    """Show each schedule: when it is due next, how its last run ended."""
    with _opened(place) as found:
        rows = [_row(schedule, found.runs(schedule.name)) for schedule in found.all()]
    if form == "json":
        output.print_json(rows)
        return
    if not rows:
        output.say('None yet. Write every = "15m" into the table of a source in sources.toml.')
        return
    zone = place.home.settings.zone
    output.table(
        ["schedule", "when", "next", "last run", "outcome"],
        [
            [
                row["name"],
                row["when"],
                "paused" if row["paused"] else _minute(row["next_at"], zone),
                _minute(row["last_slot"], zone),
                row["last_outcome"] or "—",
            ]
            for row in rows
        ],
        right=set(),
    )


@schedules.command()
@_NAME
@form_option
@with_place
def history(place: Place, *, name: str, form: str) -> None:
    """Show the newest runs of a schedule, and who changed it."""
    with _opened(place) as found:
        runs, changes = found.runs(name), found.changes(name)
    if form == "json":
        output.print_json(
            {"runs": [vars(run) for run in runs], "changes": [vars(change) for change in changes]}
        )
        return
    zone = place.home.settings.zone
    output.table(
        ["slot", "why", "outcome", "attempts", "took", "what"],
        [
            [
                _minute(run.slot, zone),
                run.origin,
                run.outcome or run.state,
                str(run.attempt),
                _took(run),
                run.error or _told(run.result),
            ]
            for run in runs
        ],
        right={3, 4},
    )
    for change in changes:
        output.say(f"{_minute(change.at, zone)} {change.action} by {change.who}")


@schedules.command()
@_NAME
@with_place
def run(place: Place, *, name: str) -> None:
    """Run a schedule now, besides its own times."""
    with _opened(place) as found:
        found.run_now(name, who=getpass.getuser(), now=clock.now())
    output.say(f"Queued. 'analyticspro schedules history {name!r}' shows how it ends.")


@schedules.command()
@_NAME
@with_place
def pause(place: Place, *, name: str) -> None:
    """Let nothing of a schedule begin until it is resumed."""
    with _opened(place) as found:
        found.pause(name, who=getpass.getuser(), now=clock.now())
    output.say(f"Paused. 'analyticspro schedules resume {name!r}' goes on.")


@schedules.command()
@_NAME
@with_place
def resume(place: Place, *, name: str) -> None:
    """Go on with the next time of a paused schedule."""
    with _opened(place) as found:
        schedule = found.resume(name, who=getpass.getuser(), now=clock.now())
    output.say(f"Next: {_minute(schedule.next_at, place.home.settings.zone)}.")


@schedules.command()
@_NAME
@click.option(
    "--from", "start", metavar="TIME", required=True, help="First moment, such as 2011-12-01."
)
@click.option("--to", "end", metavar="TIME", help="First moment after. Default: now.")
@with_place
def backfill(place: Place, *, name: str, start: str, end: str | None) -> None:
    """Queue the runs of the past that never were, or failed.

    \b
    analyticspro schedules backfill 'sync crm' --from 2011-12-01
    """  # noqa: D301
    now = clock.now()
    since = instant(place, start)
    until = now if end is None else instant(place, end)
    with _opened(place) as found:
        queued = found.backfill(name, since, until, who=getpass.getuser(), now=now)
    output.say(f"{queued:,} run(s) queued; they run in order when nothing of the present waits.")


@contextmanager
def _opened(place: Place) -> Iterator[Schedules]:
    # SQLAlchemy takes a third of a second, which no other command has to wait for.
    from analyticspro.scheduling import Schedules
    from analyticspro.state import State

    place.home.prepare()
    with State.open(place.home.state_address) as state:
        yield Schedules(state)


def _row(schedule: Schedule, runs: list[Run]) -> dict[str, Any]:
    last = next((run for run in reversed(runs) if run.outcome), None)
    every = None if schedule.every_s is None else str(timedelta(seconds=schedule.every_s))
    return {
        "name": schedule.name,
        "job": schedule.job,
        "when": f"every {every}" if every else f"{schedule.cron} ({schedule.timezone})",
        "paused": schedule.paused,
        "next_at": schedule.next_at,
        "last_slot": last and last.slot,
        "last_outcome": last and last.outcome,
        "last_error": last and last.error,
        "waiting": sum(run.outcome is None for run in runs),
    }


def instant(place: Place, text: str) -> datetime:
    """Return the time written as `text`; without an offset it is on the workspace's clock."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DefinitionError(
            f"{text!r} is no time. Write one such as 2011-12-01 or 2011-12-01T09:30."
        ) from None
    return found if found.tzinfo else to_instant(found, place.home.settings.zone)


def _minute(instant: datetime | None, zone: Any) -> str:
    return "—" if instant is None else f"{to_wall(instant, zone):%Y-%m-%d %H:%M}"


def _took(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return "—"
    return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"


def _told(result: Any) -> str:
    if not isinstance(result, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in result.items() if value)
