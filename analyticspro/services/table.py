"""Which processes make up a running workspace: the one place that lists them."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass

from analyticspro.config import Home

__all__ = ["SERVICES", "Service", "is_loopback"]


@dataclass(frozen=True)
class Service:
    """One process: `python -m MODULE --home DIR`.

    Attributes:
        name: What it is called in commands and logs.
        module: What Python runs.
        port_setting: Name of the setting that holds the port it listens on; None if it
            listens on none, and leaves signs of life in a file instead.
        stop_seconds: How long it may take to stop in order.
        of_demos: Whether only a demo workspace has it.
    """

    name: str
    module: str
    port_setting: str | None = None
    stop_seconds: int = 15
    of_demos: bool = False

    def command(self, home: Home) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-m", self.module, "--home", str(home.path.resolve())]

    def belongs_to(self, home: Home) -> bool:
        """Return whether a home is to have it, as it is now."""
        # The settings of `home` were read before it became a demo, maybe.
        return not self.of_demos or Home(home.path).settings.demo

    def port(self, home: Home) -> int:
        """Return the port it listens on."""
        assert self.port_setting is not None, f"{self.name} has no port"
        port: int = getattr(home.settings, self.port_setting)
        return port

    def address(self, home: Home) -> str:
        """Return where it answers, as the settings say now, or its file of signs of life."""
        if self.port_setting is None:
            return (home.path / "run" / f"{self.name}.json").resolve().as_uri()
        host = home.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port(home)}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what listens on `host`.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# In the order they start: pages ask the api. The last one has the address to open.
SERVICES = (
    Service("api", "analyticspro.api", "api_port"),
    Service("scheduler", "analyticspro.jobs", stop_seconds=30),
    Service("feeder", "analyticspro.feeder", stop_seconds=30, of_demos=True),
    Service("dashboards", "analyticspro.dashboards", "port"),
)
