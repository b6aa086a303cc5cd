"""What a source of uptime checks declares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from analyticspro.connectors.declaration import Declared
from analyticspro.connectors.page import Connector, PagedSource
from analyticspro.connectors.uptime import UptimeConnector
from analyticspro.connectors.uptime_maintenance import Maintenance
from analyticspro.errors import UnknownName
from analyticspro.extract.secret import Secrets

__all__ = ["Monitor", "UptimeSource"]


def _monitor_name(name: str) -> str:
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError("a monitor's name has 1 to 100 characters, all of them printable")
    return name


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address; write one such as https://example.com/health")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds a character that an address cannot; write it as %XX")
    _port(parts.netloc)
    return text


def _port(netloc: str) -> int | None:
    try:
        return urlsplit(f"//{netloc}").port
    except ValueError:
        raise ValueError("has a port that is none") from None


def _host_and_port(text: str) -> str:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or not _port(text) or parts.path or parts.username is not None:
        raise ValueError("is no host and port; write them as example.com:5432")
    return text


def _several(value: Any) -> Any:
    return [value] if isinstance(value, int) else value


Status = Annotated[int, Field(ge=100, le=599, strict=True)]


class Monitor(Declared):
    """What is checked: whether an address answers, or whether a port takes connections.

    Attributes:
        url: Asked by GET. A redirect is not followed: it is an answer like any other.
        tcp: Host and port, which need only take the connection.
        expected: Any of these statuses passes.
        every: Seconds between checks, on a grid that begins with 1970.
        timeout: Seconds that the whole check may take, the answer's end included.
        critical: Whether its failing turns the whole pulse red.
        authority: File with the certificates of your own authority, which then are trusted
            instead of the system's; relative to the folder of sources.toml.
    """

    url: Annotated[str, AfterValidator(_url)] | None = None
    tcp: Annotated[str, AfterValidator(_host_and_port)] | None = None
    expected: Annotated[tuple[Status, ...], BeforeValidator(_several), Field(min_length=1)] = (200,)
    every: Annotated[int, Field(ge=1, le=86_400)] = 60
    timeout: Annotated[float, Field(gt=0, le=120, allow_inf_nan=False)] = 10
    critical: bool = False
    authority: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (self.tcp is None):
            raise ValueError("needs exactly one of url and tcp")
        if self.url is not None and urlsplit(self.url).username is not None:
            raise ValueError("url holds a user or a password, which sources.toml must not")
        if self.url is None and "expected" in self.model_fields_set:
            raise ValueError("expected is for url; a tcp check has no status")
        if self.authority is not None and not (self.url or "").startswith("https:"):
            raise ValueError("authority is for a url that begins with https:")
        if self.timeout > self.every:
            raise ValueError(
                f"timeout is {self.timeout:g} s, longer than every ({self.every} s), so checks "
                "would overlap; lower it"
            )
        return self


class UptimeSource(PagedSource):
    """Checks, made at each sync for those monitors whose next one is due.

    Nothing but what is declared here is ever contacted, and never through a proxy.
    """

    connector: Literal["uptime"] = "uptime"
    monitors: dict[Annotated[str, AfterValidator(_monitor_name)], Monitor] = Field(
        min_length=1, max_length=500
    )
    maintenance: tuple[Maintenance, ...] = ()

    @model_validator(mode="after")
    def _known_monitors(self) -> Self:
        for window in self.maintenance:
            for name in window.monitors:
                if name not in self.monitors:
                    where = f"maintenance {window.name!r}"
                    problem = UnknownName.of("monitor", name, self.monitors, where=where)
                    raise ValueError(str(problem))
        return self

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        monitors = {
            name: monitor
            if monitor.authority is None
            else monitor.model_copy(
                update={"authority": str((folder / monitor.authority).absolute())}
            )
            for name, monitor in self.monitors.items()
        }
        return self.model_copy(update={"monitors": monitors})

    def connect(self, secrets: Secrets) -> Connector:
        """Return what makes the checks; they have no secrets."""
        return UptimeConnector(self)
