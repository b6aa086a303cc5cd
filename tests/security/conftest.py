"""Sandboxes started by root and by an ordinary user, on the one machine that there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from analyticspro.isolation.persons import own_uids

AS_USER = Path(__file__).parent / "as_user.py"
ORDINARY = 54_321
PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Starter:
    """Who starts the services, and so the sandboxes."""

    name: str
    folder: Path
    uid: int | None
    """What a person's code runs as outside; None if as the starter."""

    def run(
        self,
        program: Sequence[str],
        *,
        stdin: IO[bytes] | None = None,
        env: dict[str, str] = PLAIN,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(program), stdin=stdin, env=env, capture_output=True, text=True, timeout=60
        )

    def command(self, program: Sequence[str]) -> list[str]:
        if self.name == "root" or os.geteuid() != 0:
            return list(program)
        return [sys.executable, str(AS_USER), str(ORDINARY), *program]

    def own(self, path: Path) -> None:
        """Give what a test made to whoever starts."""
        if self.name == "ordinary user" and os.geteuid() == 0:
            for one in [path, *path.rglob("*")]:
                os.chown(one, ORDINARY, ORDINARY)


STARTERS = ["root", "ordinary user"] if os.geteuid() == 0 else ["ordinary user"]


@pytest.fixture(scope="module", params=STARTERS)
def starter(request: pytest.FixtureRequest) -> Iterator[Starter]:
    # Not pytest's own folder, which is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="analyticspro-security-"))
    folder.chmod(0o755)
    found = Starter(request.param, folder, own_uids()[7] if request.param == "root" else None)
    found.own(folder)
    yield found
    shutil.rmtree(folder)
