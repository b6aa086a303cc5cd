"""The first process of a sandbox: shuts the doors, starts the program, buries its dead."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from analyticspro.isolation import calls, kernel, view
from analyticspro.isolation.sandbox import Sandbox

__all__ = ["CONNECT", "ERROR", "LISTENING", "MAP", "NO_SANDBOX", "READY", "REFUSED", "become"]

NO_SANDBOX = 125
"""Exit code: there was no sandbox, so nothing ran in it."""

MAP, LISTENING, READY, ERROR = b"map", b"listening", b"ready", b"error "
"""Said to whoever launches: map my user; these ports lead out; it is shut; it failed."""
CONNECT, REFUSED = b"connect", b"refused"
"""Whoever launches asks for a connection to the port served; there is none."""

_APART = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWCGROUP
)
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_BACKLOG = 64


def become(
    sandbox: Sandbox, program: Sequence[str], channel: socket.socket, output: int
) -> NoReturn:
    """Be the first process of a sandbox, until the program that is started in it ends.

    Args:
        sandbox: What to shut in.
        program: What to start, with its arguments.
        channel: To whoever launches. It is no way out: all it carries are descriptors of
            this sandbox's own network, outward.
        output: A pipe for what the program writes. Never a file: through a descriptor of
            one its owner could open it anew, to read what others wrote.
    """
    try:
        _own_descriptors(channel, output)
        _shut(sandbox, channel)
        woken = _be_woken()
        channel.send(READY)
        pid = _start(sandbox, program)
        os._exit(_watch(pid, channel, sandbox.serves, woken))
    except OSError as error:
        with suppress(OSError):
            channel.send(ERROR + str(error.strerror or error).encode())
    finally:
        os._exit(NO_SANDBOX)


def _be_woken() -> int:
    """Return what can be read from, the number of the signal, once one has come."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *_PASSED_ON):
        signal.signal(number, lambda *_: None)
    return read


def _own_descriptors(channel: socket.socket, output: int) -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    for given, wanted in ((null, 0), (output, 1), (output, 2)):
        os.dup2(given, wanted)
    os.closerange(3, channel.fileno())
    os.closerange(channel.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _shut(sandbox: Sandbox, channel: socket.socket) -> None:
    """Leave all that is shared with others, then the right to do anything about it."""
    by_root = sandbox.uid is not None
    if not by_root:
        _be_mapped(channel)  # the user namespace was made with this process
    kernel.unshare(_APART)
    socket.sethostname("sandbox")
    kernel.loopback_up()
    _offer_ways_out(sandbox, channel)
    view.build(sandbox)
    if by_root:
        # Last, so that not even the mounts belong to the person's user namespace.
        kernel.unshare(kernel.CLONE_NEWUSER)
        _be_mapped(channel)
        os.setgroups([])
    os.setresgid(view.GID, view.GID, view.GID)
    os.setresuid(view.UID, view.UID, view.UID)
    with open("/proc/sys/user/max_user_namespaces", "w") as setting:
        setting.write("0")
    kernel.forget_keyring()
    kernel.drop_capabilities()
    kernel.filter_calls(calls.program())
    kernel.hide_memory()
    kernel.die_with_parent()


def _be_mapped(channel: socket.socket) -> None:
    channel.send(MAP)
    if channel.recv(16) != MAP:
        os._exit(NO_SANDBOX)  # whoever launches has gone


def _offer_ways_out(sandbox: Sandbox, channel: socket.socket) -> None:
    """Listen on the ports that lead out, before any code of the person can."""
    listeners = []
    for port in sorted(sandbox.reaches):
        listener = socket.socket()
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
        listeners.append(listener)
    socket.send_fds(channel, [LISTENING], [one.fileno() for one in listeners])
    for listener in listeners:
        listener.close()


def _start(sandbox: Sandbox, program: Sequence[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir(sandbox.home)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it; others expect it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for name in ("USER", "LOGNAME"):
            os.putenv(name, sandbox.account)
        os.putenv("HOME", str(sandbox.home))
        os.execvp(program[0], list(program))
    except OSError as error:
        os.write(2, f"{program[0]} cannot be run in the sandbox: {error.strerror}\n".encode())
    os._exit(127)


def _watch(program: int, channel: socket.socket, serves: int | None, woken: int) -> int:
    """Connect whom the launcher asks for; return once the program has ended, with its code."""
    while True:
        while (ended := _next_dead()) is not None:
            if ended[0] == program:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code
        ready, _, _ = select.select([channel.fileno(), woken], [], [])
        if woken in ready:
            for number in os.read(woken, 64):
                if number in _PASSED_ON:
                    os.kill(program, number)
        if channel.fileno() in ready:
            if not channel.recv(16):
                return NO_SANDBOX  # whoever launches has gone
            _connect(channel, serves)


def _next_dead() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def _connect(channel: socket.socket, serves: int | None) -> None:
    with socket.socket() as connection:
        connection.settimeout(1)
        try:
            connection.connect(("127.0.0.1", serves or 0))
        except OSError:
            channel.send(REFUSED)
        else:
            socket.send_fds(channel, [CONNECT], [connection.fileno()])
