"""The only ways between a sandbox and the rest: ports that lead out, and one that leads in.

Every connection has an end of its own on either side. The code in a sandbox never holds a
socket of the host's network, which it could disconnect and connect to something else, and the
host never opens a path that the code could have made a link.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from analyticspro.isolation import inside
from analyticspro.isolation.sandbox import Sandbox

__all__ = ["Relay"]

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_CHUNK = 1 << 16
_ANSWER_SECONDS = 5


class Relay:
    """Carries bytes between a sandbox and those it may talk to."""

    def __init__(
        self,
        sandbox: Sandbox,
        channel: socket.socket,
        listeners: Sequence[socket.socket],
        served: socket.socket | None,
    ) -> None:
        """Prepare.

        Args:
            sandbox: Says where each port leads.
            channel: To the first process of the sandbox.
            listeners: Sockets of the sandbox's network, in the order of their ports.
            served: What is listened on outside for the port that leads in.
        """
        self._out = dict(zip(listeners, sorted(sandbox.reaches.items()), strict=True))
        self._channel = channel
        self._served = served
        self._one_at_a_time = asyncio.Lock()
        self._servers: list[asyncio.Server] = []
        self._inward: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen on all ports."""
        for listener, (_, place) in self._out.items():
            self._servers.append(await asyncio.start_server(_leads_to(*place), sock=listener))
        if self._served is not None:
            self._servers.append(await asyncio.start_server(self._lead_in, sock=self._served))
        self._channel.setblocking(False)

    def stop(self) -> None:
        """Listen no more; connections end with the loop."""
        for server in self._servers:
            server.close()

    def cut(self) -> None:
        """Break all connections that lead in; whoever still may, comes again."""
        for writer in list(self._inward):
            writer.transport.abort()

    async def _lead_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = await self._connection()
        if end is None:
            writer.close()
            return
        self._inward.add(writer)
        try:
            await _carry(reader, writer, *await asyncio.open_connection(sock=end))
        finally:
            self._inward.discard(writer)

    async def _connection(self) -> socket.socket | None:
        """Return a connection that the sandbox's first process made in its own network."""
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            try:
                await loop.sock_sendall(self._channel, inside.CONNECT)
                await asyncio.wait_for(_readable(self._channel), _ANSWER_SECONDS)
                _, descriptors, _, _ = socket.recv_fds(self._channel, 16, 1)
            except (OSError, TimeoutError):
                return None
        return _stream(descriptors[0]) if descriptors else None


def _leads_to(host: str, port: int) -> Connected:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            end = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()  # the service is down: so it looks inside
            return
        await _carry(reader, writer, *end)

    return connected


async def _readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    come = asyncio.Event()
    loop.add_reader(channel, come.set)
    try:
        await come.wait()
    finally:
        loop.remove_reader(channel)


def _stream(descriptor: int) -> socket.socket | None:
    """Return a descriptor that came out of a sandbox as a socket, if that is what it is."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    end = socket.socket(fileno=descriptor)
    if end.family != socket.AF_INET or end.type != socket.SOCK_STREAM:
        end.close()
        return None
    end.setblocking(False)
    return end


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Carry both ways until both are done; one may end before the other."""
    try:
        await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
    finally:
        for end in (writer, far_writer):
            end.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
