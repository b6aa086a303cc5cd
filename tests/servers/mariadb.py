"""A MariaDB of one's own: a private server in a temporary folder, gone when it is done with.

    with running() as server:
        url = server.database()  # a new, empty one

`scripts/find-mariadb` says where MariaDB is, and installs it where it may. The server does
not run as root, so a root's belongs to the account `mysql` or `nobody`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.local import free_port, until

FIND = Path(__file__).parent.parent.parent / "scripts" / "find-mariadb"
USER = "analyst"
# Nothing here outlives a power cut, nor need it.
SETTINGS = {
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "8M",
    "innodb-doublewrite": "0",
    "bind-address": "127.0.0.1",
    "skip-name-resolve": "1",
    "character-set-server": "utf8mb4",
    "performance-schema": "0",
}
PLAIN = (
    "--skip-test-db --skip-name-resolve --auth-root-authentication-method=normal "
    "--innodb-log-file-size=8M"
).split()
# The server ends when its standard input does: even a test run that is killed leaves none behind.
TIED = 'exec 3<&0; "$@" </dev/null & server=$!; cat <&3 >/dev/null; kill -KILL $server; wait'


@dataclass
class Server:
    """A running server; `USER` may do everything in it, with the password."""

    programs: Path  # the folder of the client
    command: list[str]
    folder: Path
    port: int
    account: dict[str, object] = field(repr=False)
    password: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(12))
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def database(self) -> str:
        """Make a new, empty database and return its address, password included."""
        name = f"db{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"mysql://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def sql(self, statements: str, *, database: str = "mysql", user: str = USER) -> str:
        """Run SQL with MariaDB's own client; return its rows, fields divided by tabs."""
        command: list[str | Path] = [self.programs / "mariadb", "--no-defaults", "--batch"]
        command += ["--skip-column-names", "--raw", f"--socket={self._socket}", f"--user={user}"]
        done = subprocess.run(
            [*command, "--default-character-set=utf8mb4", database],
            env={"PATH": os.environ["PATH"]} | ({} if user == "root" else self._secret()),
            input=statements,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Start it, with the data that is there."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", TIED, "sh", *self.command],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests
                **self.account,  # type: ignore[call-overload]
            )
        try:
            until(self._socket.exists)
        except AssertionError:
            raise AssertionError(log.read_text(errors="replace")) from None

    def stop(self) -> None:
        """End it as a power cut would."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process = None
        self._socket.unlink(missing_ok=True)

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    def _secret(self) -> dict[str, str]:
        return {"MYSQL_PWD": self.password}


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Server]:
    """Run a server of one's own, on loopback and on a Unix socket, until the block ends."""
    mariadbd = _mariadbd()
    client = shutil.which("mariadb", path=f"{os.environ['PATH']}:{mariadbd.parent}")
    install = shutil.which("mariadb-install-db", path=f"{os.environ['PATH']}:{mariadbd.parent}")
    assert client, "MariaDB's client is needed to test with; scripts/find-mariadb"
    assert install, "MariaDB's install program is needed to test with; scripts/find-mariadb"
    # Not pytest's own folders: those of root can be entered by root alone, and a socket's
    # path may have no more than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    account, port = _account(folder), free_port()
    own = [f"--datadir={folder / 'data'}", f"--socket={folder / 'socket'}", f"--port={port}"]
    own += [f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}"]
    own += [f"--{name}={value}" for name, value in (SETTINGS | settings).items()]
    server = Server(
        Path(client).parent, [str(mariadbd), "--no-defaults", *own], folder, port, account
    )
    try:
        _initialise(install, folder, account)
        server.start()
        server.sql(
            f"CREATE USER {USER}@'%' IDENTIFIED BY '{server.password}';"
            f"GRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;",
            user="root",
        )
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _mariadbd() -> Path:
    found = subprocess.run([FIND], stdout=subprocess.PIPE, text=True)
    assert found.returncode == 0, "MariaDB is needed to test with; scripts/find-mariadb"
    return Path(found.stdout.strip())


def _account(folder: Path) -> dict[str, object]:
    """Return how to start a process that may use `folder` and is not root's."""
    if os.geteuid() != 0:
        return {}
    for name in ("mysql", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("MariaDB does not run as root, and there is no other account")


def _initialise(install: str, folder: Path, account: dict[str, object]) -> None:
    done = subprocess.run(
        [install, "--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}", *PLAIN],
        cwd=folder,
        text=True,
        capture_output=True,
        **account,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout + done.stderr
