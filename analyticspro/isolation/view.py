"""What a sandbox sees of the file system: built from nothing, so that nothing is forgotten."""

from __future__ import annotations

import os
from pathlib import Path

from analyticspro.isolation import kernel
from analyticspro.isolation.sandbox import Sandbox

__all__ = ["GID", "UID", "build"]

UID = GID = 1000
"""What the person is inside; a mapping says which user that is outside."""

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What programs need of /etc: where libraries are, which programs a name stands for, fonts.
_OF_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_STANDARD = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_NEW, _OLD = Path("/new"), Path("/old")


def build(sandbox: Sandbox) -> None:
    """Replace what this mount namespace shows by the view of a sandbox.

    Everything is bound from the old root by its real path: a link would be followed in the
    new one.
    """
    # Resolved while the old root is still the root.
    system = {name: Path("/", name) for name in _SYSTEM}
    binds = [path for path in system.values() if path.is_dir() and not path.is_symlink()]
    links = {path: os.readlink(path) for path in system.values() if path.is_symlink()}
    binds += sandbox.readable
    etc = {Path("/etc", name): Path("/etc", name).resolve() for name in _OF_ETC}
    hidden = [path.resolve() for path in sandbox.hides]
    folder = sandbox.folder.resolve()

    # Services run with 077, by which a person of another uid would see nothing of it.
    before = os.umask(0o022)
    _enter()
    _temporary(sandbox)
    for path in binds:
        _show(path, path)
    for path, target in links.items():
        (_NEW / path.relative_to("/")).symlink_to(target)
    for path, real in etc.items():
        if _old(real).exists():
            _show(real, path)
    _cover([path for path in hidden if any(path.is_relative_to(one) for one in binds)])
    _devices()
    _show(folder, sandbox.home, writable=True)
    _accounts(sandbox)
    _leave()
    os.umask(before)


def _enter() -> None:
    """Stand on an empty file system with the old root at /old and the new one at /new."""
    kernel.keep_mounts_private()
    around = Path("/tmp").resolve()
    kernel.mount("tmpfs", around, "mode=0755")
    (around / "old").mkdir()
    kernel.pivot_root(around, around / "old")
    os.chdir("/")
    _NEW.mkdir()
    kernel.mount("tmpfs", _NEW, "mode=0755,size=1m", has_devices=True)


def _leave() -> None:
    kernel.unmount(_OLD)
    os.chdir(_NEW)
    kernel.make_read_only(_NEW, recursive=False)
    kernel.pivot_root(Path("."), Path("."))
    kernel.unmount(Path("."))
    os.chdir("/")


def _temporary(sandbox: Sandbox) -> None:
    kernel.mount("proc", _folder(Path("/proc")))
    kernel.mount("tmpfs", _folder(Path("/tmp")), "mode=1777,size=1g")
    kernel.mount("tmpfs", _folder(Path("/run")), "mode=1777,size=16m")
    _folder(Path("/etc"))
    _folder(sandbox.home)
    (_NEW / "var").mkdir()
    (_NEW / "var/tmp").symlink_to("/tmp")


def _devices() -> None:
    dev = _folder(Path("/dev"))
    kernel.mount("tmpfs", dev, "mode=0755,size=64k", has_devices=True)
    for name in _DEVICES:
        (dev / name).touch()
        kernel.bind(_OLD / "dev" / name, dev / name)
    for name, end in _STANDARD.items():
        (dev / name).symlink_to(f"/proc/self/fd{end}")
    for name in ("shm", "pts"):
        (dev / name).mkdir()
    kernel.mount("tmpfs", dev / "shm", "mode=1777,size=256m")
    kernel.mount("devpts", dev / "pts", "newinstance,ptmxmode=0666,mode=620", has_devices=True)
    (dev / "ptmx").symlink_to("pts/ptmx")
    kernel.make_read_only(dev, recursive=False)


def _accounts(sandbox: Sandbox) -> None:
    person = f"{sandbox.account}:x:{UID}:{GID}::{sandbox.home}:/bin/sh"
    files = {
        "passwd": f"root:x:0:0::/:/bin/false\n{person}\n",
        "group": f"root:x:0:\n{sandbox.account}:x:{GID}:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "hostname": "sandbox\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in files.items():
        (_NEW / "etc" / name).write_text(text)


def _show(source: Path, target: Path, *, writable: bool = False) -> None:
    place = _NEW / target.relative_to("/")
    if _old(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    kernel.bind(_old(source), place)
    kernel.make_read_only(place, writable=writable)


def _cover(hidden: list[Path]) -> None:
    """Lay something empty over what lies in a folder that is shown, and must not be seen."""
    for path in hidden:
        if (_NEW / path.relative_to("/")).is_dir():
            kernel.mount("tmpfs", _NEW / path.relative_to("/"), "mode=0755,size=4k")
            kernel.make_read_only(_NEW / path.relative_to("/"))


def _folder(path: Path) -> Path:
    place = _NEW / path.relative_to("/")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _old(path: Path) -> Path:
    return _OLD / path.relative_to("/")
