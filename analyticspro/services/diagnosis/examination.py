"""The examination: every check, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.services.diagnosis import data, folder, machine, processes
from analyticspro.services.diagnosis.finding import Finding, Subject
from analyticspro.services.table import SERVICES, Service

__all__ = ["examine"]

Check = Callable[[Subject], Iterable[Finding]]

_CHECKS: dict[str, Check] = {
    "settings": folder.settings,
    "token": folder.token,
    "secrets": folder.secrets,
    "disk": machine.disk,
    "isolation": machine.isolation,
    "warehouse": data.warehouse,
    "services": processes.services,
    "ports": processes.ports,
    "leftovers": processes.leftovers,
    "sources": data.sources,
    "logs": folder.logs,
    "backups": folder.backups,
}


def examine(home: Home, *, now: datetime, services: Sequence[Service] = SERVICES) -> list[Finding]:
    """Return what each check of a home finds, those of the machine first.

    A check that cannot be done for what another one tells is a problem of its own.

    Args:
        home: The workspace; it may be missing.
        now: The time, UTC.
        services: Those that belong to it.
    """
    findings = [machine.packages(), machine.zones(), folder.home(home)]
    if not home.path.is_dir():
        return findings
    subject = Subject(home, now, services)
    for name, check in _CHECKS.items():
        try:
            findings += check(subject)
        except (AnalyticsProError, OSError) as error:
            findings.append(Finding.of(name, error))
    return findings
