"""The feeder at work: one for a home, step by step, through its api."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analyticspro import clock, connectors
from analyticspro.client import Remote, presence, reach
from analyticspro.config import Home
from analyticspro.demo_company import Company, Marks
from analyticspro.demo_company.live import Feeder, Pusher, write_key
from analyticspro.errors import DefinitionError, RetriableError, ServiceUnavailable

__all__ = ["go_on"]

_STEP_EVERY_S = 2.0


def go_on(
    home: Home, stop: threading.Event, *, say: Callable[[str], None], is_patient: bool = False
) -> None:
    """Let the story of a demo go on in real time until `stop` is set.

    Args:
        home: The workspace.
        stop: Ends it after the step that is being made.
        say: Told what was done, and what was not.
        is_patient: Wait for another that does so already, instead of giving up.

    Raises:
        DefinitionError: The home is no demo, or its story goes on already.
    """
    marks = Marks.load(home.path / "demo")
    if marks is None or not home.settings.demo:
        raise DefinitionError(
            f"{home.path} is not a demo, so there is no story to go on with. "
            "A new home becomes one: analyticspro --home DIR demo"
        )
    with _alone(home, stop, is_patient=is_patient):
        if stop.is_set():
            return
        company = Company.open(home.path, events=marks.events, seed=marks.seed, now=clock.now())
        feeder = Feeder(
            company,
            push=lambda messages: _pusher(home)(messages),
            sync=lambda: _synced(home, company, say),
        )
        with company.platform(clock.now):
            while not stop.is_set():
                _step(feeder, say)
                stop.wait(_STEP_EVERY_S)


def _step(feeder: Feeder, say: Callable[[str], None]) -> None:
    try:
        sent, synced = feeder.step(clock.now())
    except RetriableError as error:
        say(f"{error} Trying again.")
    else:
        if synced is not None:
            say(f"{clock.now():%H:%M:%S} UTC: {sent} sent, {synced} synced")


@contextmanager
def _alone(home: Home, stop: threading.Event, *, is_patient: bool) -> Iterator[None]:
    """Hold the story against another that lets it go on; a kill lets go of it too."""
    with (home.path / "demo" / "feeder.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not is_patient:
                    raise DefinitionError(
                        f"The story of {home.path} goes on already: the services do that since "
                        "they were started. 'analyticspro status' shows them."
                    ) from None
                if stop.wait(_STEP_EVERY_S):
                    break
            else:
                break
        yield


def _pusher(home: Home) -> Pusher:
    """Return what sends to the api as it runs now: started again, it may answer elsewhere."""
    found = presence(home)
    if found is None:
        raise ServiceUnavailable("The services do not run. 'analyticspro up' starts them.")
    return Pusher(found.url, write_key(home, now=clock.now()))


def _synced(home: Home, company: Company, say: Callable[[str], None]) -> int:
    """Sync the sources of the company; return how many events were new."""
    transport = reach(home)
    if not isinstance(transport, Remote):
        raise ServiceUnavailable("The api does not answer.")
    company.declare()
    declared = connectors.load(company.sources_file, {})
    reports = transport.sync([source.to_json() for source in declared], lambda _: None)
    for report in reports:
        if report["error"]:
            say(f"{report['source']}: {report['error']['message']}")
    return sum(int(report["new"]) + int(report["changed"]) for report in reports)
