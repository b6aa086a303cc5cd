"""What tests that start processes of their own need of this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports() -> dict[str, int]:
    """Return the settings by which a workspace's services have ports of their own."""
    names = ("port", "api_port", "hub_port", "hub_api_port", "proxy_api_port")
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    found = {name: probe.getsockname()[1] for name, probe in zip(names, probes, strict=True)}
    for probe in probes:
        probe.close()
    return found


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for `condition`; fail if it does not come to be."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


class NoSecrets:
    """Where the secrets of sources are kept that have none."""

    def get(self, source: str, name: str) -> str:
        raise AssertionError(f"{source} has no secret {name}")
