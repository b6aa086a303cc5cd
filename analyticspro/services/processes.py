"""Processes and ports of this machine: which are ours, who holds a port."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from analyticspro.config import Home
from analyticspro.errors import SettingError
from analyticspro.services.supervision import Supervision
from analyticspro.services.table import Service

__all__ = ["check_port", "check_ports", "end", "labs", "service_processes", "supervisors"]

_GRACE_SECONDS = 10


def supervisors(home: Home) -> list[psutil.Process]:
    """Return the supervisord processes of a home, known by their command line.

    Process ids on disk are not trusted: after a hard kill the same number may be another
    process by now.
    """
    config = str(Supervision(home).config_file)
    return [
        process
        for process, words in _own()
        if config in words and "supervisor.supervisord" in words
    ]


def service_processes(home: Home, services: Sequence[Service]) -> dict[str, list[psutil.Process]]:
    """Return the processes of each service of a home, supervised or not."""
    found: dict[str, list[psutil.Process]] = {service.name: [] for service in services}
    # The interpreter may have been another: what counts is the module and the home.
    wanted = {tuple(service.command(home)[1:]): service.name for service in services}
    for process, words in _own():
        name = wanted.get(tuple(words[1:]))
        if name is not None:
            found[name].append(process)
    return found


def labs(home: Home) -> list[psutil.Process]:
    """Return the Labs that the hub of a home has started, and left over if it was killed hard."""
    return [
        process
        for process, words in _own()
        if "jupyterhub.singleuser" in words and _is_lab_of(home, process, words)
    ]


def _is_lab_of(home: Home, process: psutil.Process, words: Sequence[str]) -> bool:
    path = home.path.resolve()
    told = next((word for word in words if word.startswith('{"person"')), None)
    try:
        if told is not None:  # shut in: its sandbox says which workspace it does not see
            return str(path) in map(str, json.loads(told)["hides"])
        return Path(process.cwd()).is_relative_to(path / "people")
    except (ValueError, KeyError, TypeError, psutil.Error):
        return False


def _own() -> Iterator[tuple[psutil.Process, list[str]]]:
    """Yield the processes of this account with their command lines, this one left out."""
    for process in psutil.process_iter():
        try:
            is_ours = process.uids().real == os.getuid() and process.pid != os.getpid()
            words = process.cmdline() if is_ours else []
            is_alive = process.status() != psutil.STATUS_ZOMBIE if words else False
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if is_alive:
            yield process, words


def end(processes: Sequence[psutil.Process], *, grace_seconds: float = _GRACE_SECONDS) -> None:
    """End processes and all they started, in order if they can, by force if they do not."""
    everything = {process for parent in processes for process in [parent, *_descendants(parent)]}
    for process in processes:
        _signal(process, force=False)
    _, alive = psutil.wait_procs(list(everything), timeout=grace_seconds)
    for process in alive:
        _signal(process, force=True)
    psutil.wait_procs(alive, timeout=5)


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, *, force: bool) -> None:
    try:
        if force:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        pass  # it ended by itself meanwhile


def check_ports(home: Home, service: Service) -> None:
    """Check that each port of a service can be listened on.

    Raises:
        SettingError: It is taken, says by whom where that can be seen, or is not allowed.
    """
    for setting, host, port in service.listens(home):
        check_port(home, setting, host, port)


def check_port(home: Home, setting: str, host: str, port: int) -> None:
    """Check that one port can be listened on; raises as `check_ports` does."""
    cure = (
        f"Set another: '{setting}' in {home.settings_file} or "
        f"ANALYTICSPRO_{setting.upper()}=..., then up again."
    )
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except socket.gaierror:
        raise SettingError(
            f"Setting host is {host!r}, which is no address of this machine. "
            "Write 127.0.0.1 unless others are to reach it."
        ) from None
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingError(f"Port {port} is taken{_holder(port)}. {cure}") from None
            if error.errno == errno.EACCES:
                raise SettingError(f"Port {port} may not be used by this account. {cure}") from None
            raise SettingError(
                f"Nothing can listen on {host}:{port} ({error.strerror}). Check 'host' "
                f"in {home.settings_file}."
            ) from None


def _holder(port: int) -> str:
    """Return who listens on a port, in words; empty if that cannot be seen."""
    try:
        holders = {
            entry.pid
            for entry in psutil.net_connections("tcp")
            if entry.status == psutil.CONN_LISTEN and entry.laddr and entry.laddr.port == port
        }
        pid = next((pid for pid in holders if pid), None)
        if pid is None:
            return " by another process"
        words = psutil.Process(pid).cmdline()
        if "--home" in words and any(word.startswith("analyticspro.") for word in words):
            return f" by pid {pid}, AnalyticsPro of {words[words.index('--home') + 1]}"
        return f" by pid {pid}, {psutil.Process(pid).name()}"
    except (psutil.Error, IndexError):
        return " by another process"
