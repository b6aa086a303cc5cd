"""Outside a sandbox: makes it, relays for it, and ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from analyticspro.errors import ServiceUnavailable
from analyticspro.isolation import inside, kernel
from analyticspro.isolation.relay import Relay
from analyticspro.isolation.sandbox import Sandbox
from analyticspro.isolation.view import GID, UID

__all__ = ["CUT", "launch"]

CUT = signal.SIGUSR1
"""Sent to whoever launched: break all connections that lead in, whatever they are."""

_MOST_BYTES = 4096
_MOST_PORTS = 16


def launch(sandbox: Sandbox, program: Sequence[str]) -> int:
    """Run a program in a sandbox until it ends; return its exit code.

    What it writes goes to stdout. Call it in a process of its own with one thread: it forks,
    and takes the signals.

    Raises:
        ServiceUnavailable: There is no sandbox, so nothing was run; says what failed.
    """
    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    output, write = os.pipe()
    served = _listen(sandbox)
    try:
        pid = kernel.clone(kernel.CLONE_NEWPID | (0 if sandbox.uid else kernel.CLONE_NEWUSER))
    except OSError as error:
        raise _no_sandbox(error.strerror or str(error)) from None
    if pid == 0:
        inside.become(sandbox, program, theirs, write)
    theirs.close()
    os.close(write)
    try:
        listeners = _meet(sandbox, pid, channel)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    return asyncio.run(_attend(sandbox, pid, Relay(sandbox, channel, listeners, served), output))


def _no_sandbox(why: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"No sandbox could be made: {why}. Nothing was run; 'analyticspro doctor' names the cure."
    )


def _listen(sandbox: Sandbox) -> socket.socket | None:
    """Listen where the sandbox is reached, before anything inside could take its place."""
    if sandbox.serves is None:
        return None
    return socket.create_server(("127.0.0.1", sandbox.serves))


def _meet(sandbox: Sandbox, pid: int, channel: socket.socket) -> list[socket.socket]:
    """Do for the sandbox what must be done from outside; return its ports that lead out."""
    listeners: list[socket.socket] = []
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, _MOST_BYTES, _MOST_PORTS)
        listeners += [socket.socket(fileno=one) for one in descriptors]
        if message == inside.MAP:
            _map(sandbox, pid)
            channel.send(inside.MAP)
        elif message == inside.READY:
            return listeners
        elif message != inside.LISTENING:
            told = message.removeprefix(inside.ERROR).decode(errors="replace")
            raise _no_sandbox(told or "its first process ended")


def _map(sandbox: Sandbox, pid: int) -> None:
    """Say who the sandbox's only user and group are outside."""
    process = Path("/proc", str(pid))
    try:
        if sandbox.uid is None:
            (process / "setgroups").write_text("deny")
        own_uid = os.geteuid() if sandbox.uid is None else sandbox.uid
        own_gid = os.getegid() if sandbox.uid is None else sandbox.uid
        (process / "uid_map").write_text(f"{UID} {own_uid} 1")
        (process / "gid_map").write_text(f"{GID} {own_gid} 1")
    except OSError as error:
        raise _no_sandbox(f"its user cannot be mapped ({error.strerror})") from None


async def _attend(sandbox: Sandbox, pid: int, relay: Relay, output: int) -> int:
    """Relay, pass signals on and pass what is written on, until the sandbox ends."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        loop.add_signal_handler(number, os.kill, pid, number)
    loop.add_signal_handler(CUT, relay.cut)
    await relay.start()
    await _copy(output)
    _, status = await loop.run_in_executor(None, os.waitpid, pid, 0)
    relay.stop()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


async def _copy(output: int) -> None:
    """Write on what comes, until nobody in the sandbox is left to write."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(output, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    while data := await reader.read(1 << 16):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    transport.close()
