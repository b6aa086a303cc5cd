"""Checks of the home's folder: rights, settings, secrets, logs, backups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from analyticspro.config import Home
from analyticspro.secrets_store import Secrets
from analyticspro.services.diagnosis.finding import Finding, Subject, count

__all__ = ["backups", "home", "logs", "secrets", "settings", "token"]

_OLDEST_BACKUP = timedelta(days=7)


def home(place: Home) -> Finding:
    """Check that the folder is there, its owner's, and closed to others."""
    try:
        facts = place.path.stat()
    except OSError:
        return Finding.problem(
            "home",
            f"there is no workspace at {place.path}",
            f"Start one with 'analyticspro --home {place.path} up', or name another with --home.",
        )
    if facts.st_uid != os.geteuid():
        return Finding.problem(
            "home",
            f"{place.path} belongs to another account (uid {facts.st_uid})",
            "Work as that account, or give the folder to yours with chown.",
        )
    if facts.st_mode & 0o077:
        return Finding.problem(
            "home", f"others may look into {place.path}", f"Run: chmod 700 {place.path}"
        )
    if not os.access(place.path, os.W_OK | os.X_OK):
        return Finding.problem(
            "home", f"{place.path} cannot be written", f"Run: chmod 700 {place.path}"
        )
    return Finding.well("home", str(place.path))


def settings(subject: Subject) -> Iterator[Finding]:
    """Check that the settings can be read."""
    found = subject.home.settings
    yield Finding.well("settings", f"{found.name!r}, {found.timezone}, {found.currency}")


def token(subject: Subject) -> Iterator[Finding]:
    """Check that the token is there, closed to others, and not to be guessed."""
    subject.home.token()
    yield Finding.well("token", "only its owner can read it")


def secrets(subject: Subject) -> Iterator[Finding]:
    """Check that the store of secrets opens."""
    kept = Secrets.open(subject.home).names()
    yield Finding.well("secrets", count(len(kept), "secret") + " kept" if kept else "none kept")


def logs(subject: Subject) -> Iterator[Finding]:
    """Check that logs can be written."""
    folder = subject.home.path / "logs"
    if os.access(folder, os.W_OK | os.X_OK):
        yield Finding.well("logs", str(folder))
    else:
        why = "cannot be written" if folder.is_dir() else "is not there"
        cure = f"Run: mkdir -p {folder} && chmod 700 {folder}"
        yield Finding.problem("logs", f"{folder} {why}", cure)


def backups(subject: Subject) -> Iterator[Finding]:
    """Check that the newest backup is not too old; a new home need not have one."""
    place = subject.home
    if not place.warehouse_file.exists():
        yield Finding.well("backups", "nothing to back up yet")
        return
    folder = place.path / "backups"
    made = [file.stat().st_mtime for file in folder.iterdir()] if folder.is_dir() else []
    newest = datetime.fromtimestamp(max(made), UTC) if made else None
    since = datetime.fromtimestamp(place.token_file.stat().st_mtime, UTC)
    if subject.now - (newest or since) <= _OLDEST_BACKUP:
        told = "none yet, the workspace is new" if newest is None else _of(newest)
        yield Finding.well("backups", told)
    else:
        yield Finding.problem(
            "backups",
            "there is none" if newest is None else f"{_of(newest)}, which is long ago",
            "Make one, and let it be made by schedule: 'analyticspro backup --help'.",
        )


def _of(newest: datetime) -> str:
    return f"the newest is of {newest:%Y-%m-%d %H:%M} UTC"
