"""`analyticspro demo`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from analyticspro.cli import output
from analyticspro.cli.root import Place, group, with_place
from analyticspro.client import presence, reach
from analyticspro.config import Home
from analyticspro.errors import ServiceUnavailable, from_payload

__all__ = ["load_demo"]

_EVENTS, _SEED = 200_000, 7


@group.command()
@click.option(
    "--events",
    type=click.IntRange(1_000, 5_000_000),
    help=f"About how many events it begins with. Default: {_EVENTS:,}.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help=f"Another seed, another story. Default: {_SEED}.",
)
@click.option(
    "--live",
    is_flag=True,
    help="Go on in real time until stopped with Ctrl-C, where the services do not do that.",
)
@with_place
def demo(place: Place, *, events: int | None, seed: int | None, live: bool) -> None:
    """Fill the workspace with a made-up company.

    It has 18 months of history, up to this hour: a shop, a platform of partners, an app, their
    systems and their support. They are synced as your own would be, from files, logs, a
    database and an API, declared in demo/sources.toml. It is marked as demo everywhere and never
    mixed with real data.

    The same hour, seed and number of events give the same story. Run again, it goes on: what
    was told stays as it is. Where the services run ('up'), it goes on by itself in real time.

    \b
    analyticspro demo
    analyticspro demo --live
    """  # noqa: D301 (see query)
    place.home.prepare()
    load_demo(place, events, seed)
    if live:
        _live(place)


def load_demo(place: Place, events: int | None = None, seed: int | None = None) -> None:
    """Bring the demo up to this hour, and say what came in."""
    events, seed = _story(place, events, seed)
    with output.bar("Reading") as show:
        reports = reach(place.home).demo(
            events, seed, lambda step: show(step["done"], step["total"])
        )
    for report in reports:
        aside = f", {report['rejected']:,} set aside" if report["rejected"] else ""
        output.say(
            f"{report['new'] + report['changed']:,} demo events loaded in "
            f"{report['seconds']:.1f} s{aside}."
        )
        if report["error"]:
            raise from_payload(report["error"])


def _story(place: Place, events: int | None, seed: int | None) -> tuple[int, int]:
    """Return size and seed: as given, else those of the story that is there, else the usual."""
    from analyticspro.demo_company import Marks  # brings numpy

    kept = Marks.load(place.home.path / "demo")
    return (
        events or (kept.events if kept else _EVENTS),
        seed if seed is not None else (kept.seed if kept else _SEED),
    )


def _live(place: Place) -> None:
    from analyticspro.feeder import go_on  # brings numpy

    if presence(place.home) is None:
        raise ServiceUnavailable("The services do not run. 'analyticspro up' starts them.")
    output.say("The story goes on in real time. Ctrl-C stops it; started again, it catches up.")
    with _until_stopped() as stop:
        go_on(Home(place.home.path), stop, say=output.say)  # its settings are read once
    output.say("Stopped.")


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Yield what is set when someone wants this to end."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
