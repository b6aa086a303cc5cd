"""The command line."""

from analyticspro.cli import (
    audit,
    backups,
    doctor,
    figures,
    keeping,
    keys,
    mails,
    people,
    reports,
    schedules,
    schema,
    secrets,
    services,
    sources,
)
from analyticspro.cli.root import group as main

__all__ = [
    "audit",
    "backups",
    "doctor",
    "figures",
    "keeping",
    "keys",
    "mails",
    "main",
    "people",
    "reports",
    "schedules",
    "schema",
    "secrets",
    "services",
    "sources",
]
