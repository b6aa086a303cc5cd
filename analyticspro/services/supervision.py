"""supervisord of one workspace: its configuration, its socket, its answers."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import stat
import tempfile
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analyticspro.config import Home
from analyticspro.services.table import Service

__all__ = ["Supervision"]

# AF_UNIX holds 104 bytes on macOS, 108 on Linux; supervisord first binds a longer name.
_LONGEST_SOCKET_PATH = 90
_ANSWER_TIMEOUT_SECONDS = 10


class Supervision:
    """The files and the voice of the supervisord that looks after a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._run = home.path.resolve() / "run"

    @property
    def config_file(self) -> Path:
        """What supervisord was started with; its path is how the process is known again."""
        return self._run / "supervisord.conf"

    @property
    def folder(self) -> Path:
        """Where supervisord is started: what it reads names files as seen from here."""
        return self._run

    @property
    def _record_file(self) -> Path:
        return self._run / "services.json"

    def log_file(self, name: str) -> Path:
        """Return where a service writes what it has to say."""
        return self._run.parent / "logs" / f"{name}.log"

    def record(self) -> dict[str, Any]:
        """Return what was in force when the services were started; empty if they never were."""
        try:
            found: dict[str, Any] = json.loads(self._record_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def prepare(self, services: Sequence[Service]) -> None:
        """Write all that supervisord reads, and what `status` needs to know later."""
        path = self._socket_path()
        told = {"socket": str(path), **_told(self.home, services)}
        _write(self._record_file, json.dumps(told))
        _write(self.config_file, _config(self.home, services, path))

    def add(self, services: Sequence[Service]) -> None:
        """Have a running supervisord look after those of `services` too that it does not yet."""
        known = self.processes()
        missing = [service.name for service in services if service.name not in known]
        if not missing:
            return
        kept = self.record()
        new = _told(self.home, services)
        told = {name: new[name] | kept[name] for name in new}
        _write(self._record_file, json.dumps(kept | told))
        _write(self.config_file, _config(self.home, services, Path(kept["socket"])))
        self.ask("reloadConfig")
        for name in missing:
            self.ask("addProcessGroup", name)

    def _socket_path(self) -> Path:
        beside = self._run / "supervisor.sock"
        if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH:
            return beside
        known = Path(self.record().get("socket", ""))
        if known.name == beside.name and known.parent != self._run and _is_private(known.parent):
            return known
        return Path(tempfile.mkdtemp(prefix="analyticspro-")) / beside.name

    def forget(self) -> None:
        """Remove what only matters while supervisord runs."""
        path = Path(self.record().get("socket") or self._run / "supervisor.sock")
        path.unlink(missing_ok=True)
        if path.parent != self._run and path.parent.name.startswith("analyticspro-"):
            shutil.rmtree(path.parent, ignore_errors=True)
        for file in (self._record_file, self._run / "supervisord.pid"):
            file.unlink(missing_ok=True)

    def ask(self, method: str, *values: Any) -> Any:
        """Return supervisord's answer to a call.

        Raises:
            OSError: It does not answer.
            xmlrpc.client.Fault: It refuses.
        """
        path = self.record().get("socket")
        if not path:
            raise FileNotFoundError("supervisord was not started")
        transport = _UnixTransport(path)
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
            try:
                return getattr(server.supervisor, method)(*values)
            except http.client.HTTPException as error:
                raise ConnectionError(f"supervisord broke off: {error!r}") from None

    def answers(self) -> bool:
        """Return whether a supervisord answers on the socket."""
        try:
            return bool(self.ask("getState"))
        except (OSError, xmlrpc.client.Error):
            return False

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what supervisord knows of each service, by name; empty without supervisord."""
        try:
            return {info["name"]: info for info in self.ask("getAllProcessInfo")}
        except (OSError, xmlrpc.client.Error):
            return {}


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # where `close` looks for it
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(_ANSWER_TIMEOUT_SECONDS)
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def _told(home: Home, services: Sequence[Service]) -> dict[str, dict[str, str]]:
    return {
        "addresses": {service.name: service.address(home) for service in services},
        "signs": {service.name: service.sign(home) for service in services},
    }


def _is_private(folder: Path) -> bool:
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077


def _write(file: Path, text: str) -> None:
    draft = file.with_name(file.name + ".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _config(home: Home, services: Sequence[Service], socket_path: Path) -> str:
    """Return supervisord's configuration.

    Files of the home are named as seen from its folder `run`, where supervisord starts:
    a path with a percent sign or a `#` in it would be misread.
    """
    is_beside = socket_path.parent == home.path.resolve() / "run"
    lines = [
        "[unix_http_server]",
        f"file = {socket_path.name if is_beside else _plain(str(socket_path))}",
        "chmod = 0700",
        "[supervisord]",
        "logfile = ../logs/supervisor.log",
        "logfile_maxbytes = 2MB",
        "logfile_backups = 2",
        "pidfile = supervisord.pid",
        "childlogdir = ../logs",
        "umask = 077",
        "minfds = 256",
        "minprocs = 32",
        *(["user = root"] if os.geteuid() == 0 else []),  # else it warns of running as root
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for order, service in enumerate(services):
        lines += [
            f"[program:{service.name}]",
            f"command = {' '.join(_escaped(word) for word in service.command(home))}",
            "directory = ..",
            f"priority = {order + 1}",
            "autostart = true",
            "autorestart = true",
            "startsecs = 5",
            "startretries = 6",
            f"stopwaitsecs = {service.stop_seconds}",
            "killasgroup = true",
            "redirect_stderr = true",
            f"stdout_logfile = ../logs/{service.name}.log",
            "stdout_logfile_maxbytes = 5MB",
            "stdout_logfile_backups = 3",
        ]
    return "\n".join(lines) + "\n"


def _escaped(word: str) -> str:
    r"""Return a word of a command so that supervisord reads it as one, whatever is in it.

    >>> _escaped("/a b/100%")
    '/a\\ b/100%%'
    """
    safe = "/._-+=:,@"
    return _plain("".join(c if c.isalnum() or c in safe or c == "%" else "\\" + c for c in word))


def _plain(text: str) -> str:
    return text.replace("%", "%%")
