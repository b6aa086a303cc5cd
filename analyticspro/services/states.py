"""How the services are."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil

from analyticspro.config import Home
from analyticspro.services.processes import service_processes
from analyticspro.services.supervision import Supervision
from analyticspro.services.table import SERVICES, Service

__all__ = ["Running", "ServiceStatus", "State", "address", "is_ready", "status"]

_READY_TIMEOUT_SECONDS = 2
_LONGEST_SILENCE_SECONDS = 30


class State(StrEnum):
    """What a service is doing."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BACKING_OFF = "backing off"
    """It ended right after it was started, and is started again after a while."""
    FAILED = "failed"
    """It ended too often right after it was started; it is left alone."""
    UNSUPERVISED = "unsupervised"
    """It runs, but what supervised it was killed."""


_STATES = {
    "RUNNING": State.RUNNING,
    "STARTING": State.STARTING,
    "STOPPING": State.STOPPING,
    "BACKOFF": State.BACKING_OFF,
    "FATAL": State.FAILED,
}


@dataclass(frozen=True)
class ServiceStatus:
    """One service as it is now.

    Attributes:
        name: Its name.
        state: What it is doing.
        is_ready: Whether it answers and can work.
        pid: Its process, None if there is none.
        uptime_s: Seconds since it started, None if it does not run.
        address: Where it answers, or would.
    """

    name: str
    state: State
    is_ready: bool
    pid: int | None
    uptime_s: float | None
    address: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self) | {"state": self.state.value}


@dataclass(frozen=True)
class Running:
    """A workspace whose services run.

    Attributes:
        address: The one to open.
        services: Each service.
        was_running: Whether they ran before they were asked to start.
    """

    address: str
    services: tuple[ServiceStatus, ...]
    was_running: bool


def status(home: Home, *, services: Sequence[Service] = SERVICES) -> list[ServiceStatus]:
    """Return every service of a home as it is now, in the order in which they start."""
    services = [service for service in services if service.belongs_to(home)]
    supervision = Supervision(home)
    infos = supervision.processes()
    record = supervision.record()
    addresses, signs = record.get("addresses", {}), record.get("signs", {})
    found = None if infos else service_processes(home, services)
    return [
        _supervised(
            service.name,
            infos[service.name],
            addresses.get(service.name, ""),
            signs.get(service.name, ""),
        )
        if service.name in infos
        else _unsupervised(service, home, record, (found or {}).get(service.name, []))
        for service in services
    ]


def _supervised(name: str, info: dict[str, Any], where: str, sign: str) -> ServiceStatus:
    pid = info["pid"] or None
    ready = pid is not None and is_ready(sign)
    state = _STATES.get(info["statename"], State.STOPPED)
    if state is State.STARTING and ready:
        state = State.RUNNING  # supervisord waits a few seconds more before it says so
    uptime = float(max(0, info["now"] - info["start"])) if pid else None
    return ServiceStatus(name, state, ready, pid, uptime, where)


def _unsupervised(
    service: Service, home: Home, record: dict[str, Any], found: Sequence[psutil.Process]
) -> ServiceStatus:
    where = record.get("addresses", {}).get(service.name) or service.address(home)
    sign = record.get("signs", {}).get(service.name) or service.sign(home)
    if not found:
        return ServiceStatus(service.name, State.STOPPED, False, None, None, where)
    try:
        uptime = time.time() - found[0].create_time()
    except psutil.NoSuchProcess:
        return ServiceStatus(service.name, State.STOPPED, False, None, None, where)
    return ServiceStatus(
        service.name, State.UNSUPERVISED, is_ready(sign), found[0].pid, uptime, where
    )


def address(home: Home, name: str = "hub") -> str:
    """Return where a service answers: as it was started, else as the settings say now.

    That of the hub is the one to open.
    """
    recorded: dict[str, str] = Supervision(home).record().get("addresses", {})
    known = {service.name: service for service in SERVICES}
    return recorded.get(name) or known[name].address(home)


def is_ready(sign: str) -> bool:
    """Return whether a service can work, by its `Service.sign`."""
    parts = urlsplit(sign)
    if parts.scheme == "file":
        return _is_alive(Path(unquote(parts.path)))
    if parts.scheme == "tcp":
        return _listens(parts.hostname or "", parts.port or 0)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=_READY_TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_READY_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def _is_alive(signs: Path) -> bool:
    try:
        found = json.loads(signs.read_text(encoding="utf-8"))
        is_new = abs(time.time() - found["at"]) < _LONGEST_SILENCE_SECONDS
        return is_new and psutil.pid_exists(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
