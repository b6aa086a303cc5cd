"""Stopping the services of a workspace."""

from __future__ import annotations

import fcntl
import xmlrpc.client
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from analyticspro.config import Home
from analyticspro.errors import DefinitionError, ServiceUnavailable
from analyticspro.services.processes import end, labs, service_processes, supervisors
from analyticspro.services.supervision import Supervision
from analyticspro.services.table import SERVICES, Service

__all__ = ["alone", "check_stopped", "clear", "down"]


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Hold the home against another `up` or `down` at the same time."""
    with (home.path / "run" / "services.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def down(home: Home, *, services: Sequence[Service] = SERVICES) -> list[str]:
    """Stop the services of a home; return the names of those that ran, none if none did.

    Raises:
        ServiceUnavailable: A process could not be ended.
    """
    if not (home.path / "run").is_dir():
        return []
    with alone(home):
        return clear(home, services)


def check_stopped(home: Home, *, services: Sequence[Service] = SERVICES) -> None:
    """Raise DefinitionError if anything of a home is running."""
    running = [name for name, found in service_processes(home, services).items() if found]
    if running or supervisors(home):
        raise DefinitionError(
            f"{home.path} is at work ({', '.join(running) or 'supervisord'}). "
            "Stop it first: analyticspro down"
        )


def clear(home: Home, services: Sequence[Service]) -> list[str]:
    """End everything of a home: supervised, or left over from a hard kill."""
    supervision = Supervision(home)
    ran = [name for name, found in service_processes(home, services).items() if found]
    watching = supervisors(home)
    if watching and supervision.answers():
        _shut_down(supervision, watching, services)
    # Whoever supervises goes first, or it would start the others again.
    end(supervisors(home), grace_seconds=_longest(services))
    end([one for found in service_processes(home, services).values() for one in found])
    # The hub ends its Labs in order; killed hard, it has left them, and whoever is in one at work.
    end(labs(home))
    left = [one.pid for found in service_processes(home, services).values() for one in found]
    left += [one.pid for one in labs(home)]
    if left or supervisors(home):
        raise ServiceUnavailable(
            f"Could not end pid {', '.join(map(str, left)) or 'of supervisord'}. "
            "End it by hand, then try again."
        )
    supervision.forget()
    return ran


def _shut_down(
    supervision: Supervision, watching: Sequence[psutil.Process], services: Sequence[Service]
) -> None:
    try:
        supervision.ask("shutdown")
    except (OSError, xmlrpc.client.Error):
        return  # it is ended by signal then
    psutil.wait_procs(watching, timeout=_longest(services))


def _longest(services: Sequence[Service]) -> float:
    return 5 + sum(service.stop_seconds for service in services)
