"""The services as units of systemd, for servers; from the same table as `up`."""

from __future__ import annotations

from collections.abc import Sequence

from analyticspro.config import Home
from analyticspro.services.table import SERVICES, Service

__all__ = ["TARGET", "units"]

TARGET = "analyticspro.target"


def units(home: Home, *, user: str = "", services: Sequence[Service] = SERVICES) -> dict[str, str]:
    """Return the text of each unit file of a home, by its name.

    Each service is started again when it dies, and no other with it. The settings are those of
    the home's settings.toml: what the environment of this call says is not written down.

    Args:
        home: The workspace.
        user: The account that they run as; that of the systemd that runs them if empty.
        services: Those to have.
    """
    wanted = [service for service in services if service.belongs_to(home)]
    names = {service.name: f"analyticspro-{service.name}.service" for service in wanted}
    found = {names[service.name]: _unit(home, service, user) for service in wanted}
    return found | {TARGET: _target(home, list(names.values()))}


def _target(home: Home, names: Sequence[str]) -> str:
    return _file(
        Unit={
            "Description": _plain(f"AnalyticsPro of {home.path}"),
            "Wants": " ".join(names),
        },
        Install={"WantedBy": "multi-user.target"},
    )


def _unit(home: Home, service: Service, user: str) -> str:
    return _file(
        Unit={
            "Description": _plain(f"AnalyticsPro {service.name} of {home.path}"),
            "PartOf": TARGET,
            "After": "network.target",
            "StartLimitIntervalSec": "0",
        },
        Service={
            "ExecStart": " ".join(_word(word) for word in service.command(home)),
            "WorkingDirectory": _plain(str(home.path.resolve())),
            "Restart": "always",
            "RestartSec": "1",
            "TimeoutStopSec": str(service.stop_seconds),
            # What it has started is its own to end; what is left then is killed.
            "KillMode": "mixed",
            "UMask": "0077",
            **({"User": user} if user else {}),
        },
        Install={"WantedBy": TARGET},
    )


def _file(**sections: dict[str, str]) -> str:
    parts = []
    for title, values in sections.items():
        lines = [f"[{title}]", *(f"{name}={value}" for name, value in values.items())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _word(word: str) -> str:
    r"""Return a word of a command so that systemd reads it as one, whatever is in it.

    >>> _word('/a "b"/100%/$x')
    '"/a \\"b\\"/100%%/$$x"'
    """
    kept = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_plain(kept)}"'


def _plain(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")
