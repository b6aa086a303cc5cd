"""The second wall: which calls of the kernel isolated code may make at all.

Namespaces alone stop every attack of tests/security but one: AF_VSOCK, which reaches a
virtual machine's host from any network namespace. The filter refuses it, with every other
family of sockets that is not needed, and the calls that most holes in kernels were found in.
"""

from __future__ import annotations

import errno
import platform
import socket
import struct

from analyticspro.isolation import kernel

__all__ = ["program"]

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_CALLS = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24  # offsets of what is judged
_KILL, _ERROR, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

_NAMESPACES = (
    kernel.CLONE_NEWTIME
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWCGROUP
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
)
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)  # 16 is netlink
_REFUSED = (
    "acct add_key bpf chroot delete_module finit_module init_module kexec_file_load kexec_load "
    "keyctl mount open_by_handle_at perf_event_open pivot_root quotactl reboot request_key setns "
    "swapoff swapon syslog umount2 unshare userfaultfd open_tree move_mount fsopen fsconfig "
    "fsmount fspick mount_setattr"
).split()
# Programs that would use these fall back to others where a kernel has them not.
_ABSENT = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")


def program() -> bytes:
    """Return the filter for this machine, as BPF.

    `clone3` is absent, since a filter cannot look at what its argument points to; programs
    then use `clone`, which may make threads and processes but no namespaces.
    """
    is_x86 = platform.machine() == "x86_64"
    lines = [
        _line(_LOAD, _ARCH),
        _line(_EQUAL, _AUDIT_ARCH[platform.machine()], then=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        # The second table of calls of x86 would go round all below.
        *([_line(_AT_LEAST, _X32_CALLS, otherwise=1), _refuse(errno.ENOSYS)] if is_x86 else []),
    ]
    for call in _REFUSED:
        lines += [_line(_EQUAL, kernel.number(call), otherwise=1), _refuse(errno.EPERM)]
    for call in _ABSENT:
        lines += [_line(_EQUAL, kernel.number(call), otherwise=1), _refuse(errno.ENOSYS)]
    lines += _where("clone", _FIRST, [_line(_ANY_BIT, _NAMESPACES, otherwise=1), _refuse()])
    for request in (_TIOCSTI, _TIOCLINUX):  # types into the terminal of whoever started this
        lines += _where("ioctl", _SECOND, [_line(_EQUAL, request, otherwise=1), _refuse()])
    known = [
        _line(_EQUAL, family, then=len(_FAMILIES) - place) for place, family in enumerate(_FAMILIES)
    ]
    lines += _where("socket", _FIRST, [*known, _refuse(errno.EAFNOSUPPORT)])
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _where(call: str, argument: int, judged: list[bytes]) -> list[bytes]:
    """Return lines that judge one argument of one call, and load the number again."""
    inner = [_line(_LOAD, argument), *judged]
    skip = _line(_EQUAL, kernel.number(call), otherwise=len(inner) + 1)
    return [skip, *inner, _line(_LOAD, _NUMBER)]


def _refuse(error: int = errno.EPERM) -> bytes:
    return _line(_RETURN, _ERROR | error)


def _line(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
