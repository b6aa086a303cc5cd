"""The command line."""

from analyticspro.cli import (
    accounting,
    backfilling,
    backups,
    doctor,
    figures,
    keeping,
    keys,
    operating,
    previewing,
    reports,
    schedules,
    schema,
    secrets,
    services,
    sources,
)
from analyticspro.cli.root import group as main

__all__ = [
    "accounting",
    "backfilling",
    "backups",
    "doctor",
    "figures",
    "keeping",
    "keys",
    "main",
    "operating",
    "previewing",
    "reports",
    "schedules",
    "schema",
    "secrets",
    "services",
    "sources",
]
