"""Starting the services of a workspace."""

from __future__ import annotations

import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from analyticspro.config import Addresses, Home, environment
from analyticspro.errors import ServiceUnavailable
from analyticspro.services.ending import alone, clear
from analyticspro.services.processes import check_ports, supervisors
from analyticspro.services.states import Running, is_ready, status
from analyticspro.services.supervision import Supervision
from analyticspro.services.table import SERVICES, Service

__all__ = ["up"]

_START_TIMEOUT_SECONDS = 120
_LOOK_AGAIN_SECONDS = 0.1
_TAIL_LINES = 15
# What says where services answer: it stays as it is until they are stopped.
_FROZEN = (
    "host",
    "port",
    "api_port",
    "hub_port",
    "hub_api_port",
    "proxy_api_port",
    "public_url",
    "lab_host_names",
    "tls_certificate",
    "tls_key",
)
_STARTS_BEFORE_GIVING_UP = 2


def up(
    home: Home,
    *,
    progress: Callable[[str], None] = lambda _: None,
    services: Sequence[Service] = SERVICES,
    timeout_seconds: float = _START_TIMEOUT_SECONDS,
) -> Running:
    """Start the services of a home and return once all can work.

    Running already, they are left as they are; only one that has failed is started again, and
    one that the home did not have then is added: a workspace may have become a demo meanwhile.
    What a hard kill left over is ended first. The address and ports in force now stay in
    force until they are stopped, whatever becomes of the settings meanwhile.

    Args:
        home: The workspace; made if it is missing.
        progress: Told in a few words what is being done.
        services: What to start.
        timeout_seconds: How long to wait until all can work.

    Raises:
        SettingError: A port is taken, or the host is not allowed.
        ServiceUnavailable: A service does not start; the end of its log is in the message.
    """
    home.prepare()
    services = [service for service in services if service.belongs_to(home)]
    Addresses.of(home)  # refuses what would let others in unencrypted
    with alone(home):
        supervision = Supervision(home)
        was_running = bool(supervisors(home)) and supervision.answers()
        logs = {service.name: _size(supervision.log_file(service.name)) for service in services}
        if was_running:
            _start_what_ended(supervision)
            supervision.add(services)
            _tell_of_changed_address(home, supervision, services, progress)
        else:
            if clear(home, services):
                progress("Ended what was left over from a hard stop.")
            for service in services:
                check_ports(home, service)
            supervision.prepare(services)
            _start_supervisor(home, supervision)
        _wait(home, supervision, services, logs, progress, timeout_seconds)
        found = tuple(status(home, services=services))
        return Running(found[-1].address, found, was_running)


def _start_what_ended(supervision: Supervision) -> None:
    for name, info in supervision.processes().items():
        if info["statename"] in ("FATAL", "EXITED", "STOPPED"):
            with suppress(xmlrpc.client.Fault):  # it was started meanwhile
                supervision.ask("startProcess", name, False)


def _tell_of_changed_address(
    home: Home,
    supervision: Supervision,
    services: Sequence[Service],
    progress: Callable[[str], None],
) -> None:
    recorded = supervision.record().get("addresses", {})
    if any(recorded.get(service.name) != service.address(home) for service in services):
        progress(
            "Running with the host and ports it was started with; "
            "to change to those now set, 'down', then 'up'."
        )


def _start_supervisor(home: Home, supervision: Supervision) -> None:
    settings = home.settings
    in_force = {
        "ANALYTICSPRO_HOME": str(home.path.resolve()),
        **{f"ANALYTICSPRO_{name.upper()}": str(getattr(settings, name)) for name in _FROZEN},
    }
    config = str(supervision.config_file)
    started = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", config],
        env={**environment(), **in_force},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=supervision.folder,
        start_new_session=True,  # closing the terminal must not end it
        check=False,
    )
    if started.returncode != 0:
        raise ServiceUnavailable(
            f"supervisord does not start: {(started.stdout + started.stderr).strip()}"
        )


def _wait(
    home: Home,
    supervision: Supervision,
    services: Sequence[Service],
    logs: dict[str, int],
    progress: Callable[[str], None],
    timeout_seconds: float,
) -> None:
    """Wait until all services can work; a service that keeps ending is not waited for."""
    signs = supervision.record()["signs"]
    waiting = [service.name for service in services]
    starts: dict[str, set[int]] = {name: set() for name in waiting}
    until = time.monotonic() + timeout_seconds
    while waiting:
        for name, info in supervision.processes().items():
            failed = info["statename"] == "FATAL"
            if info["statename"] in ("BACKOFF", "FATAL") and name in waiting:
                starts[name].add(info["start"])
                if failed or len(starts[name]) >= _STARTS_BEFORE_GIVING_UP:
                    clear(home, services)
                    raise ServiceUnavailable(
                        f"The service '{name}' does not start; nothing runs now. "
                        + _tail(supervision.log_file(name), logs[name])
                    )
        for name in [name for name in waiting if is_ready(signs[name])]:
            waiting.remove(name)
            progress(f"{name} is ready")
        if waiting and time.monotonic() > until:
            raise ServiceUnavailable(
                f"The service '{waiting[0]}' is not ready after {timeout_seconds:.0f} s; it was "
                "left running ('status' shows it, 'down' stops it). "
                + _tail(supervision.log_file(waiting[0]), logs[waiting[0]])
            )
        time.sleep(_LOOK_AGAIN_SECONDS)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _tail(file: Path, start: int) -> str:
    """Return the end of what was logged since `start`, the size of the file before."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return "It wrote no log."
    text = data[start if start <= len(data) else 0 :].decode(errors="replace").strip()
    lines = text.splitlines()[-_TAIL_LINES:]
    if not lines:
        return f"Its log says nothing: {file}"
    return f"Its log, {file}, ends:\n" + "\n".join(f"  {line}" for line in lines)
