"""Schedules that follow from what is declared: of sources, the backups, the archive.

Two are there undeclared: the registry of properties is kept current though nobody looks, and what
ran long ago is forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from analyticspro.config import Home, environment
from analyticspro.connectors import Source, load
from analyticspro.errors import DefinitionError
from analyticspro.operation import sync_schedule
from analyticspro.scheduling import Cron, Definition, Interval, Schedules

__all__ = ["declared", "follow"]

_WHO = "declaration"  # who changed a schedule, in its history
_PREFIX = "sync "
_BACKUP = "backup"
_RETENTION = "retention"
_REGISTRY = "registry"
_RUNS = "old runs"
_OURS = (_BACKUP, _RETENTION, _REGISTRY, _RUNS)
_EVERY_10_MINUTES = timedelta(minutes=10)
_EVERY_NIGHT = "20 4 * * *"


def declared(home: Home) -> list[Definition]:
    """Return the schedules that `sources.toml` and the settings of `home` ask for.

    Raises:
        SettingError: One of them cannot be read.
        DefinitionError: A time that is none.
    """
    zone = home.settings.timezone
    syncs = (sync_schedule(source, zone) for source in _sources(home))
    found = [each for each in syncs if each is not None]
    if home.settings.backup_at:
        trigger = Cron(home.settings.backup_at, zone)
        keep = {"keep": home.settings.backups_kept}
        found.append(Definition(_BACKUP, _BACKUP, trigger, keep))
    if home.settings.hot_days:
        found.append(Definition(_RETENTION, _RETENTION, Cron(_EVERY_NIGHT, zone), {}))
    found.append(Definition(_REGISTRY, _REGISTRY, Interval(_EVERY_10_MINUTES), {}))
    found.append(Definition(_RUNS, _RUNS, Cron(_EVERY_NIGHT, zone), {}))
    return found


def follow(home: Home, schedules: Schedules, *, now: datetime) -> list[str]:
    """Make the schedules those that are declared; return what cannot be, as messages.

    One that a person made stays as it is, and so does a pause. While what is declared cannot
    be read, nothing changes.
    """
    try:
        wanted = declared(home)
    except DefinitionError as error:
        return [str(error)]
    problems = []
    for definition in wanted:
        try:
            schedules.put(definition, who=_WHO, now=now)
        except DefinitionError as error:
            problems.append(str(error))
    names = {definition.name for definition in wanted}
    for schedule in schedules.all():
        is_ours = schedule.name.startswith(_PREFIX) or schedule.name in _OURS
        if is_ours and schedule.name not in names:
            schedules.remove(schedule.name, who=_WHO, now=now)
    return problems


def _sources(home: Home) -> list[Source]:
    return load(home.sources_file, environment()) if home.sources_file.exists() else []
