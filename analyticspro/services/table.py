"""Which processes make up a running workspace: the one place that lists them."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass

from analyticspro.config import Home

__all__ = ["SERVICES", "Service", "is_loopback"]


@dataclass(frozen=True)
class Service:
    """One process: `python -m MODULE --home DIR`, listening on the port of a setting.

    Attributes:
        name: What it is called in commands and logs.
        module: What Python runs.
        port_setting: Name of the setting that holds its port.
        stop_seconds: How long it may take to stop in order.
    """

    name: str
    module: str
    port_setting: str
    stop_seconds: int = 15

    def command(self, home: Home) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-m", self.module, "--home", str(home.path.resolve())]

    def port(self, home: Home) -> int:
        """Return the port it listens on."""
        port: int = getattr(home.settings, self.port_setting)
        return port

    def address(self, home: Home) -> str:
        """Return where it answers, as the settings say now."""
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
    Service("dashboards", "analyticspro.dashboards", "port"),
)
