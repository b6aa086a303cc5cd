"""What code in a sandbox would try. Run inside one, none of these may succeed.

The canary runs them at every start, the tests run them with and without a sandbox, so that
each is known to succeed where nothing stops it.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from analyticspro.isolation import kernel
from analyticspro.isolation.network_attacks import BY_NETWORK
from analyticspro.isolation.target import Target

__all__ = ["ATTACKS", "Target", "attempt", "program"]

_libc = ctypes.CDLL(None, use_errno=True)


def _read(target: Target) -> bool:
    return target.found_in(Path(target.file).read_bytes())


def _read_other_person(target: Target) -> bool:
    return target.found_in(Path(target.other_file).read_bytes())


def _write(target: Target) -> bool:
    with open(target.file, "ab"):
        return True


def _list(target: Target) -> bool:
    return Path(target.file).name in os.listdir(Path(target.file).parent)


def _follow_link(target: Target) -> bool:
    link = Path(target.own) / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(target.file)
    return target.found_in(link.read_bytes())


def _hard_link(target: Target) -> bool:
    link = Path(target.own) / "hard-link"
    link.unlink(missing_ok=True)
    link.hardlink_to(target.file)
    return target.found_in(link.read_bytes())


def _write_environment(target: Target) -> bool:
    (Path(target.environment) / "sitecustomize.py").write_text("")
    return True


def _environment_of_process(target: Target) -> bool:
    return target.found_in(Path(f"/proc/{target.pid}/environ").read_bytes())


def _any_environment(target: Target) -> bool:
    own = str(os.getpid())
    for process in Path("/proc").iterdir():
        try:
            is_other = process.name.isdigit() and process.name != own
            if is_other and target.found_in((process / "environ").read_bytes()):
                return True
        except OSError:
            continue
    return False


def _root_of_process(target: Target) -> bool:
    return any(
        _is_readable(Path(f"/proc/{pid}/{way}{target.file}"), target)
        for pid in (1, os.getppid(), target.pid)
        for way in ("root", "cwd/../../../../../../..")
    )


def _is_readable(path: Path, target: Target) -> bool:
    try:
        return target.found_in(path.read_bytes())
    except OSError:
        return False


def _descriptor_of_process(target: Target) -> bool:
    return any(
        _is_readable(descriptor, target)
        for descriptor in Path(f"/proc/{target.pid}/fd").iterdir()
        if descriptor.resolve().name == Path(target.file).name
    )


def _own_descriptors(target: Target) -> bool:
    """Open anew whatever this process was started with: a log would be the services'."""
    return any(
        target.found_in(_start_of(f"/proc/self/fd/{descriptor}")) for descriptor in range(10)
    )


def _start_of(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _trace(target: Target) -> bool:
    attach, detach = 16, 17
    zero = ctypes.c_void_p(0)
    if _libc.ptrace(attach, target.pid, zero, zero) != 0:
        return False
    os.waitpid(target.pid, 0x40000000)  # __WALL
    _libc.ptrace(detach, target.pid, zero, zero)
    return True


def _memory_of_process(target: Target) -> bool:
    maps = Path(f"/proc/{target.pid}/maps").read_text().splitlines()
    with open(f"/proc/{target.pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            if "[stack]" in line or "[heap]" in line:
                start, end = (int(one, 16) for one in line.split()[0].split("-"))
                memory.seek(start)
                if target.found_in(memory.read(end - start)):
                    return True
    return False


def _take_descriptor(target: Target) -> bool:
    pidfd = os.pidfd_open(target.pid)
    taken: int = _libc.syscall(438, pidfd, 0, 0)  # pidfd_getfd
    return taken >= 0


def _signal(target: Target) -> bool:
    os.kill(target.pid, signal.SIGWINCH)  # harmless where it succeeds
    return True


def _signal_by_descriptor(target: Target) -> bool:
    signal.pidfd_send_signal(os.pidfd_open(target.pid), signal.SIGWINCH)
    return True


def _limit(target: Target) -> bool:
    resource.prlimit(target.pid, resource.RLIMIT_CORE, (0, 0))
    return True


def _priority(target: Target) -> bool:
    os.setpriority(os.PRIO_PROCESS, target.pid, 1)
    return True


def _affinity(target: Target) -> bool:
    os.sched_setaffinity(target.pid, os.sched_getaffinity(target.pid))
    return True


def _shared_memory(target: Target) -> bool:
    _libc.shmat.restype = ctypes.c_void_p
    address = _libc.shmat(target.shared, None, 0o10000)
    if address in (None, ctypes.c_void_p(-1).value):
        return False
    return target.found_in(ctypes.string_at(address, mmap.PAGESIZE))


def _nested(target: Target) -> bool:
    del target
    child = os.fork()
    if child == 0:
        os._exit(_libc.unshare(kernel.CLONE_NEWUSER) != 0)
    return os.waitpid(child, 0)[1] == 0


def _nested_by_clone(target: Target) -> bool:
    del target
    zero = ctypes.c_ulong(0)
    flags = ctypes.c_ulong(kernel.CLONE_NEWUSER | signal.SIGCHLD)
    pid = _libc.syscall(ctypes.c_long(kernel.number("clone")), flags, zero, zero, zero, zero)
    if pid == 0:
        os._exit(0)
    return pid > 0 and os.waitpid(pid, 0)[1] == 0


def _nested_by_clone3(target: Target) -> bool:
    del target
    asked = ctypes.create_string_buffer(
        struct.pack("=8Q", kernel.CLONE_NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    )
    pid = _libc.syscall(ctypes.c_long(435), asked, ctypes.c_ulong(64))
    if pid == 0:
        os._exit(0)
    return pid > 0 and os.waitpid(pid, 0)[1] == 0


ATTACKS: dict[str, Callable[[Target], bool]] = {
    "read a file of the services": _read,
    "read a file of another person": _read_other_person,
    "write a file of the services": _write,
    "list the workspace": _list,
    "follow a link out of one's own folder": _follow_link,
    "make a hard link into one's own folder": _hard_link,
    "write into the environment": _write_environment,
    "read the environment of a process": _environment_of_process,
    "look for a secret in any environment": _any_environment,
    "reach a file through a process": _root_of_process,
    "reopen a file that a process has open": _descriptor_of_process,
    "reopen what one was started with": _own_descriptors,
    "trace a process": _trace,
    "read the memory of a process": _memory_of_process,
    "take a descriptor from a process": _take_descriptor,
    "signal a process": _signal,
    "signal a process by its descriptor": _signal_by_descriptor,
    "limit a process (prlimit)": _limit,
    "slow a process down": _priority,
    "move a process to other cores": _affinity,
    "attach shared memory": _shared_memory,
    "make a user namespace": _nested,
    "make a user namespace by clone": _nested_by_clone,
    "make a user namespace by clone3": _nested_by_clone3,
    **BY_NETWORK,
}


def attempt(target: Target) -> list[str]:
    """Return the attacks that succeed."""
    return [name for name, attack in ATTACKS.items() if _succeeds(attack, target)]


def program(target: Target, *, own: str) -> list[str]:
    """Return what makes all attacks from the folder `own`, and tells on stdout which succeed."""
    code = (
        "import json, sys; from analyticspro.isolation.attacks import Target, attempt; "
        "print(json.dumps(attempt(Target(**json.loads(sys.argv[1])))))"
    )
    return [sys.executable, "-I", "-c", code, json.dumps(asdict(target) | {"own": own})]


def _succeeds(attack: Callable[[Target], bool], target: Target) -> bool:
    try:
        return attack(target)
    except (OSError, ValueError):
        return False
