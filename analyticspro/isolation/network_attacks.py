"""Attacks by sockets, of every kind that this kernel makes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from analyticspro.isolation.target import Target

__all__ = ["BY_NETWORK"]

_MPTCP = 262
_VSOCK = 40
_SECONDS = 2


def _answers(end: socket.socket, place: Any, target: Target) -> bool:
    with end:
        end.settimeout(_SECONDS)
        end.connect(place)
        end.send(b"?")
        return target.found_in(end.recv(1024))


def _tcp(target: Target) -> bool:
    return _answers(socket.socket(), ("127.0.0.1", target.ports["tcp"]), target)


def _fast_open(target: Target) -> bool:
    with socket.socket() as end:
        end.sendto(b"?", socket.MSG_FASTOPEN, ("127.0.0.1", target.ports["tcp"]))
        end.settimeout(_SECONDS)
        return target.found_in(end.recv(1024))


def _mptcp(target: Target) -> bool:
    end = socket.socket(socket.AF_INET, socket.SOCK_STREAM, _MPTCP)
    return _answers(end, ("127.0.0.1", target.ports["tcp"]), target)


def _udp(target: Target) -> bool:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return _answers(end, ("127.0.0.1", target.ports["udp"]), target)


def _unix_path(target: Target) -> bool:
    return _answers(socket.socket(socket.AF_UNIX), target.paths["path"], target)


def _unix_abstract(target: Target) -> bool:
    return _answers(socket.socket(socket.AF_UNIX), "\0" + target.paths["abstract"], target)


def _vsock(target: Target) -> bool:
    del target
    socket.socket(_VSOCK, socket.SOCK_STREAM).close()  # made only: it would reach the host
    return True


BY_NETWORK: dict[str, Callable[[Target], bool]] = {
    "connect by TCP": _tcp,
    "connect by TCP fast open": _fast_open,
    "connect by MPTCP": _mptcp,
    "send by UDP": _udp,
    "connect to a Unix socket": _unix_path,
    "connect to an abstract Unix socket": _unix_abstract,
    "make a socket to the virtual machine's host": _vsock,
}
