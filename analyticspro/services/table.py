"""Which processes make up a running workspace: the one place that lists them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analyticspro.config import Addresses, Home

__all__ = ["SERVICES", "Service"]


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
        ready_path: What it answers with 200 once it can work; empty if it is ready as soon as
            it listens.
        inner_port_settings: Of further ports, which are on loopback whatever `host` is.
        is_inside: Whether people reach it through the proxy, so that it need not be on `host`.
    """

    name: str
    module: str
    port_setting: str | None = None
    stop_seconds: int = 15
    of_demos: bool = False
    ready_path: str = "/readyz"
    inner_port_settings: tuple[str, ...] = ()
    is_inside: bool = False

    def command(self, home: Home) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-m", self.module, "--home", str(home.path.resolve())]

    def belongs_to(self, home: Home) -> bool:
        """Return whether a home is to have it, as it is now."""
        # The settings of `home` were read before it became a demo, maybe.
        return not self.of_demos or Home(home.path).settings.demo

    def listens(self, home: Home) -> list[tuple[str, str, int]]:
        """Return the setting, the host and the number of each port it listens on."""
        settings, own = home.settings, [self.port_setting] if self.port_setting else []
        host = Addresses.of(home).inner_host if self.is_inside else settings.host
        found = [(name, host, getattr(settings, name)) for name in own]
        inner = [(name, "127.0.0.1", getattr(settings, name)) for name in self.inner_port_settings]
        return found + inner

    def address(self, home: Home) -> str:
        """Return where it answers, as the settings say now, or its file of signs of life."""
        if not (listens := self.listens(home)):
            return (home.path / "run" / f"{self.name}.json").resolve().as_uri()
        _, host, port = listens[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def sign(self, home: Home) -> str:
        """Return what tells whether it can work: an address that answers 200, `tcp` or `file`."""
        where = self.address(home)
        if not self.listens(home):
            return where
        return where + self.ready_path if self.ready_path else where.replace("http:", "tcp:", 1)


class _Hub(Service):
    """The hub: what it listens on is not what people open."""

    def address(self, home: Home) -> str:
        """Return what people open."""
        return Addresses.of(home).public

    def sign(self, home: Home) -> str:
        """Return what the hub answers once the proxy knows its ways."""
        return f"{Addresses.of(home).hub}{self.ready_path}"


# In the order they start; all are waited for at once. The last one has the address to open.
SERVICES = (
    Service("api", "analyticspro.api", "api_port", is_inside=True),
    Service("scheduler", "analyticspro.jobs", stop_seconds=30),
    Service("feeder", "analyticspro.feeder", stop_seconds=30, of_demos=True),
    Service("dashboards", "analyticspro.dashboards", "port", is_inside=True),
    Service(
        "proxy",
        "analyticspro.hub.proxy",
        "hub_port",
        ready_path="",
        inner_port_settings=("proxy_api_port",),
    ),
    _Hub(
        "hub",
        "analyticspro.hub",
        stop_seconds=30,
        ready_path="/hub/readyz",
        inner_port_settings=("hub_api_port",),
    ),
)
