"""A PostgreSQL of one's own: a private cluster in a temporary folder, gone when it is done with.

    with cluster() as server:
        url = server.database()  # a new, empty one

`scripts/find-postgresql` says where PostgreSQL is, and installs it where it may. PostgreSQL
refuses to run as root, so a root's cluster belongs to the account `postgres` or `nobody`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.local import free_port, until

FIND = Path(__file__).parent.parent.parent / "scripts" / "find-postgresql"
USER = "analyst"
# Nothing here outlives a power cut, nor need it.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
}
# The server ends when its standard input does: even a test run that is killed leaves none behind.
TIED = 'exec 3<&0; "$@" </dev/null & server=$!; cat <&3 >/dev/null; kill -QUIT $server; wait'


@dataclass(frozen=True)
class Server:
    """A running cluster; `USER` may do everything in it, with the password."""

    programs: Path
    port: int
    socket_folder: Path
    password: str = field(repr=False)
    _process: _Process = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def stop(self, *, at_once: bool = False) -> None:
        """End the server under the hands of whoever is at work, as an upgrade of it does.

        Args:
            at_once: It ends as by a crash, and has to read its log when it starts.
        """
        self._process.stop(signal.SIGQUIT if at_once else signal.SIGINT)

    def start(self) -> None:
        """Start it again on the same port."""
        self._process.start()

    def database(self) -> str:
        """Make a new, empty database and return its address, password included."""
        name = f"db{next(self._numbers)}"
        self.psql(f"CREATE DATABASE {name}")
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def psql(self, statements: str, *, database: str = "postgres") -> str:
        """Run SQL with PostgreSQL's own client; return its rows, fields divided by `|`."""
        done = subprocess.run(
            [
                self.programs / "psql",
                *"-XAtq -v ON_ERROR_STOP=1 -f -".split(),
                *("-h", self.socket_folder, "-p", str(self.port), "-U", USER, "-d", database),
            ],
            env={"PGPASSWORD": self.password, "PATH": os.environ["PATH"]},
            input=statements,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def cluster(**settings: str) -> Iterator[Server]:
    """Run a cluster of one's own, on loopback and on a Unix socket, until the block ends."""
    programs = _programs()
    # Not pytest's own folders: those of root can be entered by root alone, and a socket's
    # path may have no more than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    data, password, port = folder / "data", secrets.token_urlsafe(12), free_port()
    account = _account(folder)
    try:
        _initialise(programs, data, password, account)
        options = SETTINGS | settings | {"port": str(port), "unix_socket_directories": str(folder)}
        command = [str(programs / "postgres"), "-D", str(data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        process = _Process(command, data, account)
        process.start()
        try:
            yield Server(programs, port, folder, password, process)
        finally:
            process.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = subprocess.run([FIND], stdout=subprocess.PIPE, text=True)
    assert found.returncode == 0, "PostgreSQL is needed to test with; scripts/find-postgresql"
    return Path(found.stdout.strip()).resolve().parent


def _account(folder: Path) -> dict[str, object]:
    """Return how to start a process that may use `folder` and is not root's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("PostgreSQL does not run as root, and there is no other account")


def _initialise(programs: Path, data: Path, password: str, account: dict[str, object]) -> None:
    password_file = data.parent / "password"
    password_file.write_text(password)  # in a folder that is closed to others
    done = subprocess.run(
        [
            programs / "initdb",
            *(f"--pgdata={data}", f"--pwfile={password_file}", f"--username={USER}"),
            *"-A scram-sha-256 --no-sync --encoding=UTF8 --locale=C".split(),
        ],
        cwd=data.parent,
        text=True,
        capture_output=True,
        **account,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr


class _Process:
    """The server's process, started any number of times."""

    def __init__(self, command: list[str], data: Path, account: dict[str, object]) -> None:
        self._command, self._data, self._account = command, data, account
        self._tie: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self._data.parent / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", TIED, "sh", *self._command],
                cwd=self._data.parent,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests
                **self._account,  # type: ignore[call-overload]
            )
        self._tie = self._process.stdin
        try:
            until(self._is_ready)
        except AssertionError:
            raise AssertionError(log.read_text(errors="replace")) from None

    def stop(self, how: signal.Signals) -> None:
        """End it, unless it has ended."""
        if self._process is None or self._tie is None:
            return
        file = self._data / "postmaster.pid"
        if how is not signal.SIGQUIT:
            os.kill(int(file.read_text().split()[0]), how)
            until(lambda: not file.exists())
        self._tie.close()
        self._process.wait(30)
        self._process = self._tie = None
        file.unlink(missing_ok=True)  # of one that ended as by a crash

    def _is_ready(self) -> bool:
        """Whether it takes connections: it says so in the eighth line of this file."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() == "ready"
        return False
