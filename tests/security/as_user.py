"""Run a program as an ordinary user, from root: `python as_user.py UID PROGRAM …`.

The interpreter of whoever is root may lie where others cannot go. What it needs is shown
there, in a mount namespace of its own; nothing else is. After the word `forbid` the program
runs where nobody may make user namespaces, as on kernels and in containers that say so.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from analyticspro.isolation import kernel

ROOT = Path(__file__).parents[2]


def main(uid: int, program: list[str]) -> None:
    needed = {Path(one).resolve() for one in (sys.prefix, sys.base_prefix, ROOT)}
    closed = {first for path in needed if (first := _closed(path))}
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.keep_mounts_private()
    for around in closed:
        shown = {path: Path(tempfile.mkdtemp()) for path in needed if path.is_relative_to(around)}
        for path, aside in shown.items():
            kernel.bind(path, aside)
        kernel.mount("tmpfs", around, "mode=0755")
        for path, aside in shown.items():
            path.mkdir(parents=True)
            kernel.bind(aside, path)
            kernel.unmount(aside)
            aside.rmdir()
    if program[0] == "forbid":
        _forbid()
        program = program[1:]
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.execv(program[0], program)


def _closed(path: Path) -> Path | None:
    """Return the folder on the way to `path` that others may not go through, if there is one."""
    ways = [one for one in [*reversed(path.parents), path] if not one.stat().st_mode & 0o001]
    return ways[0] if ways else None


def _forbid() -> None:
    """Go where no user namespace can be made: into one whose limit is none."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(read, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{os.getppid()}/{name}").write_text("0 0 65536")
        os._exit(0)
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(write, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
