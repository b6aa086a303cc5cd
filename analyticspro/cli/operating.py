"""`analyticspro sources status|history|pause|resume`."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import Any

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, any_form_option, with_place
from analyticspro.cli.sources import sources
from analyticspro.client import reach
from analyticspro.period import to_wall

_NAME = click.argument("name")
_STATUS = [
    "name", "health", "reason", "expected", "succeeded_at", "due_at", "next_at", "newest_at",
    "watermark", "lag_seconds", "records", "rejected", "rounded",
]  # fmt: skip
_HISTORY = [
    "started_at", "kind", "outcome", "seconds", "records", "new", "changed", "unchanged", "late",
    "retracted", "rejected", "error",
]  # fmt: skip


@sources.command()
@any_form_option
@with_place
def status(place: Place, *, form: str) -> None:
    """Show each source's health, lag, last error, next sync.

    \b
    ok            its last sync ended well, and the next is not overdue
    late          the next good sync is overdue, by what every, cron or fresh_within say
    failing       the last sync did not end well; the reason and its cure stand below
    paused        it is not synced by itself: analyticspro sources resume NAME
    never synced  nothing was read yet: analyticspro sources sync NAME

    Lag is how far behind now its watermark is: up to there all is in.
    """  # noqa: D301 (see query)
    rows = reach(place.home).status()
    if form == "json":
        output.print_json(rows)
    elif form == "csv":
        output.print_csv(_STATUS, [[_plain(row[name]) for name in _STATUS] for row in rows])
    elif not rows:
        output.say("No source is declared yet. 'analyticspro sources --help' tells how.")
    else:
        _print_status(place, rows)


def _print_status(place: Place, rows: list[dict[str, Any]]) -> None:
    zone = place.home.settings.zone
    output.table(
        ["source", "health", "expected", "last good sync", "next", "newest event", "lag",
         "records", "set aside", "rounded"],
        [
            [
                row["name"],
                row["health"] + (", at work" if row["is_at_work"] else ""),
                row["expected"] or "—",
                _minute(row["succeeded_at"], zone),
                _minute(row["next_at"], zone),
                _minute(row["newest_at"], zone),
                _length(row["lag_seconds"]),
                f"{row['records']:,}",
                f"{row['rejected']:,}",
                f"{row['rounded']:,}",
            ]
            for row in rows
        ],
        right={6, 7, 8, 9},
    )  # fmt: skip
    for row in rows:
        if row["reason"]:
            click.echo(output.printable(f"{row['name']}: {row['reason']}"))


@sources.command()
@_NAME
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many at most.",
)
@any_form_option
@with_place
def history(place: Place, *, name: str, limit: int, form: str) -> None:
    """Show the newest syncs of source NAME, and what came of them.

    One that was killed is shown as interrupted; the next sync went on from there. Of each
    source the newest 1,000 are kept.

    \b
    analyticspro sources history till --limit 5
    """  # noqa: D301
    rows = reach(place.home).history(name, limit)
    if form == "json":
        output.print_json(rows)
    elif form == "csv":
        output.print_csv(_HISTORY, [[_plain(row[one]) for one in _HISTORY] for row in rows])
    elif not rows:
        output.say("None yet. What is pushed is not synced: 'analyticspro sources ledger' counts.")
    else:
        zone = place.home.settings.zone
        counts = _HISTORY[4:-1]
        heads = [one.replace("rejected", "set aside") for one in counts]
        output.table(
            ["started", "what", "outcome", "took", *heads, "error"],
            [
                [
                    _minute(row["started_at"], zone),
                    row["kind"],
                    row["outcome"],
                    "—" if row["seconds"] is None else f"{row['seconds']:.1f} s",
                    *(f"{row[one]:,}" for one in counts),
                    row["error"] or "",
                ]
                for row in rows
            ],
            right=set(range(3, 4 + len(counts))),
        )


@sources.command()
@_NAME
@with_place
def pause(place: Place, *, name: str) -> None:
    """Let source NAME not be synced by itself until it is resumed.

    'analyticspro sources sync NAME' still syncs it, once.
    """
    reach(place.home).pause(name, getpass.getuser())
    output.say(f"Paused. 'analyticspro sources resume {name}' goes on.")


@sources.command()
@_NAME
@with_place
def resume(place: Place, *, name: str) -> None:
    """Have source NAME be synced by itself again."""
    done = reach(place.home).resume(name, getpass.getuser())
    output.say(f"Next: {_minute(done['next_at'], place.home.settings.zone)}.")


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _minute(instant: str | None, zone: Any) -> str:
    if instant is None:
        return "—"
    return f"{to_wall(datetime.fromisoformat(instant), zone):%Y-%m-%d %H:%M}"


def _length(seconds: int | None) -> str:
    """Return a length in its two largest units.

    >>> _length(59), _length(3 * 3600 + 61), _length(3 * 86400 + 5000)
    ('59s', '3h 1m', '3d 1h')
    """
    if seconds is None:
        return "—"
    left = timedelta(seconds=max(seconds, 0))
    units = {"d": left.days, "h": left.seconds // 3600, "m": left.seconds // 60 % 60}
    shown = [f"{count}{unit}" for unit, count in units.items()]
    while len(shown) > 1 and shown[0].startswith("0"):
        shown = shown[1:]
    return f"{left.seconds}s" if left < timedelta(minutes=1) else " ".join(shown[:2])
