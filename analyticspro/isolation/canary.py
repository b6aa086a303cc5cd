"""Whether isolation holds on this machine: found out by attacking, not by comparing versions."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analyticspro.errors import AnalyticsProError
from analyticspro.isolation.attacks import ATTACKS, program
from analyticspro.isolation.persons import own_uids
from analyticspro.isolation.sandbox import Sandbox
from analyticspro.isolation.target import Target

__all__ = ["Verdict", "bait", "check"]

_SECONDS = 60
_PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_BAIT = "analyticspro.isolation.bait"
_SWITCHES = {
    "kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=15000"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that "
        "gives this Python 'userns'",
    ),
}
_ELSE = (
    "In a container, allow namespaces (Docker: --security-opt seccomp=unconfined "
    "--security-opt systempaths=unconfined); on a kernel before 5.12, update it; on other "
    "systems than Linux, let containers isolate (docs/isolation.md)"
)


@dataclass(frozen=True)
class Verdict:
    """Whether a person's code can be shut in.

    Attributes:
        holds: Whether all attacks failed in a real sandbox, and ordinary work did not.
        found: What was seen, without a full stop.
        cure: What to do about it; empty if it holds.
    """

    holds: bool
    found: str
    cure: str = ""


@cache
def check() -> Verdict:
    """Attack bait from a real sandbox, and say whether anything got through.

    Once in a process: it takes about a second. Nothing of a workspace is touched: the bait
    lies in a temporary folder of its own.
    """
    if not sys.platform.startswith("linux"):
        return Verdict(False, f"{sys.platform} has no namespaces", f"{_ELSE}.")
    folder = Path(tempfile.mkdtemp(prefix="analyticspro-canary-"))
    try:
        uid = own_uids()[0] if os.geteuid() == 0 else None
        with bait(folder, uid) as target:
            sandbox = Sandbox("canary", Path(target.own), uid=uid, shows=[folder / "environment"])
            return _verdict(sandbox, target)
    except (AnalyticsProError, OSError, subprocess.SubprocessError, ValueError) as error:
        return Verdict(False, f"isolation cannot be tried ({error})", f"{_ELSE}.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _verdict(sandbox: Sandbox, target: Target) -> Verdict:
    with open(target.file, "rb") as file:
        done = subprocess.run(
            sandbox.command(program(target, own=str(sandbox.home))),
            env=_PLAIN,
            stdin=file,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        why = (done.stderr or done.stdout).strip().splitlines()
        return Verdict(False, why[-1].rstrip(".") if why else "the sandbox ended", _cure())
    succeeded = json.loads(done.stdout)
    if succeeded:
        found = f"code in a sandbox could: {', '.join(succeeded)}"
        return Verdict(False, found, f"Lab is for admins only until it holds. {_cure()}")
    if not (Path(target.own) / "link").is_symlink():
        return Verdict(False, "a sandbox cannot write its own folder", _cure())
    kept = "an own uid per person and " if sandbox.uid is not None else ""
    return Verdict(True, f"holds by {kept}namespaces, {len(ATTACKS)} attacks failed")


def _cure() -> str:
    for name, (wrong, cure) in _SWITCHES.items():
        try:
            if os.geteuid() != 0 and Path("/proc/sys", name).read_text().strip() == wrong:
                return f"Run as root: {cure}."
        except OSError:
            continue
    return f"{_ELSE}."


@contextmanager
def bait(folder: Path, uid: int | None) -> Iterator[Target]:
    """Lay out bait in an empty folder while the block runs.

    Args:
        folder: Empty, and this account's.
        uid: Whose the attacker's own folder is; None for this account.
    """
    secret = secrets.token_hex(16)
    _lay_out(folder, uid, secret)
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", _BAIT, str(folder)],
        env={**_PLAIN, "BAIT": secret},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Target(
                secret=secret,
                file=str(folder / "services" / "warehouse"),
                other_file=str(folder / "other" / "notebook"),
                environment=str(folder / "environment"),
                own=str(folder / "own"),
                pid=process.pid,
                **told,
            )
        finally:
            process.communicate()


def _lay_out(folder: Path, uid: int | None, secret: str) -> None:
    for name in ("services", "environment", "own", "other"):
        (folder / name).mkdir(mode=0o700)
    for name in ("services/warehouse", "other/notebook"):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    if uid is not None:
        os.chown(folder / "own", uid, uid)
        (folder / "environment").chmod(0o755)
