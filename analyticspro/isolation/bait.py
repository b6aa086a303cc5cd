"""A process that stands for the services: what an attack on it yields, it would yield on them.

Run as `python -I -m analyticspro.isolation.bait FOLDER` with the secret in `BAIT`; tells on
stdout what there is to attack, and ends when its stdin does.
"""

from __future__ import annotations

import ctypes
import json
import secrets
import socket
import sys
import threading
from pathlib import Path

from analyticspro.config import environment

__all__: list[str] = []

_IPC_PRIVATE, _IPC_RMID = 0, 0
_SIZE = 4096


def main(folder: Path) -> None:
    """Lay out everything, tell of it, and wait."""
    secret = environment()["BAIT"]
    held = (folder / "services" / "warehouse").open()
    abstract = f"analyticspro-{secrets.token_hex(8)}"
    path = str(folder / "services" / "socket")
    tcp = _serve(socket.AF_INET, ("127.0.0.1", 0), secret)
    _serve(socket.AF_UNIX, path, secret)
    _serve(socket.AF_UNIX, "\0" + abstract, secret)
    shared = _share(secret)
    told = {
        "ports": {"tcp": tcp, "udp": _answer_datagrams(secret)},
        "paths": {"path": path, "abstract": abstract},
        "shared": shared,
    }
    print(json.dumps(told), flush=True)  # noqa: T201 (this is what it is asked for)
    try:
        sys.stdin.read()
    finally:
        held.close()
        ctypes.CDLL(None).shmctl(shared, _IPC_RMID, None)


def _serve(family: socket.AddressFamily, place: tuple[str, int] | str, secret: str) -> int:
    server = socket.socket(family)
    server.bind(place)
    server.listen()

    def answer() -> None:
        while True:
            end, _ = server.accept()
            with end:
                end.recv(16)
                end.sendall(secret.encode())

    threading.Thread(target=answer, daemon=True).start()
    return int(server.getsockname()[1]) if family == socket.AF_INET else 0


def _answer_datagrams(secret: str) -> int:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            _, sender = server.recvfrom(16)
            server.sendto(secret.encode(), sender)

    threading.Thread(target=answer, daemon=True).start()
    return int(server.getsockname()[1])


def _share(secret: str) -> int:
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    shared = libc.shmget(_IPC_PRIVATE, _SIZE, 0o600)
    address = libc.shmat(shared, None, 0)
    ctypes.memmove(address, secret.encode(), len(secret))
    return int(shared)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
