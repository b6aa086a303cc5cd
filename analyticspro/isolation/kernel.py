"""The calls of Linux that Python 3.11 has no name for. Each raises OSError with what was tried."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import platform
import socket
import struct
from contextlib import suppress
from pathlib import Path

__all__ = [
    "CLONE_NEWCGROUP",
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWTIME",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "bind",
    "clone",
    "die_with_parent",
    "drop_capabilities",
    "filter_calls",
    "forget_keyring",
    "hide_memory",
    "keep_mounts_private",
    "loopback_up",
    "make_read_only",
    "mount",
    "number",
    "pivot_root",
    "unmount",
    "unshare",
]

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_SIGCHLD = 17
_SIGKILL = 9
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC = 2, 4, 4096, 16384
_MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_READ_ONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_JOIN_SESSION_KEYRING = 1
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

# Numbers of calls that libc has no function for, or that the filter names: x86_64, aarch64.
# From 424 on, numbers are the same everywhere.
_NUMBERS = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clone": (56, 220),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioctl": (16, 29),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "socket": (41, 198),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
} | {
    name: (number, number)
    for name, number in {
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "io_uring_register": 427,
        "open_tree": 428,
        "move_mount": 429,
        "fsopen": 430,
        "fsconfig": 431,
        "fsmount": 432,
        "fspick": 433,
        "clone3": 435,
        "mount_setattr": 442,
    }.items()
}
_MACHINES = ("x86_64", "aarch64")

# PyDLL keeps Python's lock over the call: the child of `clone` must not wait for it.
_libc = ctypes.PyDLL(None, use_errno=True)


def number(call: str) -> int:
    """Return the number of a call on this machine.

    Raises:
        OSError: This is no machine whose numbers are known.
    """
    if platform.machine() not in _MACHINES:
        raise OSError(f"{platform.machine()} is no machine that code can be isolated on")
    return _NUMBERS[call][_MACHINES.index(platform.machine())]


def _call(what: str, result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def _word(value: int) -> ctypes.c_ulong:
    return ctypes.c_ulong(value)


def _syscall(call: str, *values: object) -> int:
    return _call(call, _libc.syscall(ctypes.c_long(number(call)), *values))


def clone(flags: int) -> int:
    """Fork into new namespaces; return 0 in the child, whose first process it may be.

    As with `os.fork`, only the calling thread goes on in the child: fork with one thread.
    """
    zero = _word(0)
    ctypes.pythonapi.PyOS_BeforeFork()
    try:
        pid = _syscall("clone", _word(flags | _SIGCHLD), zero, zero, zero, zero)
    except OSError:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        raise
    after = ctypes.pythonapi
    (after.PyOS_AfterFork_Parent if pid else after.PyOS_AfterFork_Child)()
    return pid


def unshare(flags: int) -> None:
    """Go on in new namespaces."""
    _call("unshare", _libc.unshare(flags))


def mount(kind: str, target: Path, options: str = "", *, has_devices: bool = False) -> None:
    """Mount a new file system of a kind, without set-uid programs."""
    flags = _MS_NOSUID | (0 if has_devices else _MS_NODEV)
    words = (kind.encode(), os.fsencode(target), kind.encode(), _word(flags), options.encode())
    _call(f"mount {kind} on {target}", _libc.mount(*words))


def bind(source: Path, target: Path) -> None:
    """Show `source`, and whatever is mounted below it, at `target` too."""
    words = (os.fsencode(source), os.fsencode(target), None, _word(_MS_BIND | _MS_REC), None)
    _call(f"bind {source} to {target}", _libc.mount(*words))


def keep_mounts_private() -> None:
    """Let no mount made here be seen in the namespace that this one came from."""
    private = _word(_MS_REC | 1 << 18)
    _call("make mounts private", _libc.mount(None, b"/", None, private, None))


def make_read_only(target: Path, *, recursive: bool = True, writable: bool = False) -> None:
    """Take writing, set-uid programs and devices from a mount and, recursive, all below it.

    Args:
        target: Where it is mounted.
        recursive: Whether what is mounted below is meant too.
        writable: Leave writing; take only the rest.
    """
    attributes = _ATTR_NOSUID | _ATTR_NODEV | (0 if writable else _ATTR_READ_ONLY)
    wanted = ctypes.create_string_buffer(struct.pack("=4Q", attributes, 0, 0, 0))
    _syscall(
        "mount_setattr",
        ctypes.c_long(_AT_FDCWD),
        os.fsencode(target),
        _word(_AT_RECURSIVE if recursive else 0),
        wanted,
        _word(32),
    )


def pivot_root(new: Path, old: Path) -> None:
    """Make `new` the root of this mount namespace; the one until now is at `old`."""
    _syscall("pivot_root", os.fsencode(new), os.fsencode(old))


def unmount(target: Path) -> None:
    """Take a tree of mounts away."""
    _call(f"unmount {target}", _libc.umount2(os.fsencode(target), _MNT_DETACH))


def loopback_up() -> None:
    """Switch on the loopback device of this network namespace, the only one it has."""
    with socket.socket() as probe:
        request = array.array("B", struct.pack("16sH14x", b"lo", 0))
        fcntl.ioctl(probe, _SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", request, 16)[0]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _prctl(what: str, option: int, *values: int) -> None:
    padded = [_word(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _call(what, _libc.prctl(option, *padded))


def die_with_parent() -> None:
    """Be killed when the parent ends. A change of user undoes this: ask after it."""
    _prctl("prctl PDEATHSIG", _PR_SET_PDEATHSIG, _SIGKILL)


def hide_memory() -> None:
    """Let no other process of the same user trace this one or look at its descriptors."""
    _prctl("prctl DUMPABLE", _PR_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Give up all capabilities, for good: no program that is run can gain one."""
    highest = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(highest + 1):
        _prctl("drop a capability", _PR_CAPBSET_DROP, capability)
    _prctl("clear ambient capabilities", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _call("capset", _libc.capset(header, ctypes.create_string_buffer(24)))
    _prctl("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)


def forget_keyring() -> None:
    """Leave the session keyring, which may hold keys of whoever started this."""
    # A kernel may have no keys, or the filter around a container may forbid them.
    with suppress(OSError):
        _syscall("keyctl", ctypes.c_long(_JOIN_SESSION_KEYRING), None)


def filter_calls(program: bytes) -> None:
    """Judge every call from here on by a BPF program; needs no_new_privs."""
    instructions = ctypes.create_string_buffer(program, len(program))
    count, address = len(program) // 8, ctypes.addressof(instructions)
    shape = ctypes.create_string_buffer(struct.pack("@HxxxxxxQ", count, address))
    _prctl("seccomp", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(shape))
