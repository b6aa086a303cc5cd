"""Checks of the machine: packages, zones, disk, clock."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from analyticspro.isolation import check
from analyticspro.services.diagnosis.finding import Finding, Subject, count

__all__ = ["clock", "disk", "isolation", "packages", "zones"]

LOCK = Path(__file__).parents[3] / "requirements.lock"  # where this runs from its repository
_LEAST_FREE = 500_000_000  # bytes
_CLOCK_TOLERANCE = timedelta(minutes=1)
_SHOWN = 3


def packages(lock: Path = LOCK) -> Finding:
    """Compare what is installed with the lock; without one, with what is asked for at least."""
    python = f"Python {platform.python_version()}"
    wrong = list(_not_as_locked(lock) if lock.is_file() else _too_old())
    if not wrong:
        kept = "as locked" if lock.is_file() else "new enough"
        return Finding.well("packages", f"{python}, all packages {kept}")
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    cure = (
        f"Run 'make install' in {lock.parent}, or: pip install --require-hashes -r {lock}"
        if lock.is_file()
        else "Run: pip install --upgrade analyticspro"
    )
    return Finding.problem("packages", f"{python}; {', '.join(wrong[:_SHOWN])}{more}", cure)


def _not_as_locked(lock: Path) -> Iterator[str]:
    locked: dict[str, list[str]] = {}
    needed = set()
    for line in lock.read_text().splitlines():
        if line[:1].isalnum() and "==" in line:
            name, _, rest = line.partition("==")
            locked.setdefault(name, []).append(rest.split()[0])
            if ";" not in line:  # else it is for some machines only
                needed.add(name)
    for name, versions in locked.items():
        installed = _installed(name)
        if installed is None and name in needed:
            yield f"{name} is missing, locked is {versions[0]}"
        elif installed is not None and installed not in versions:
            yield f"{name} is {installed}, locked is {versions[0]}"


def _too_old() -> Iterator[str]:
    try:
        asked = importlib.metadata.requires("analyticspro") or []
    except importlib.metadata.PackageNotFoundError:
        asked = []
    for requirement in asked:
        parts = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9.]+)", requirement)
        if parts is None:
            continue  # an extra, or another form: pip has looked at it
        installed = _installed(parts[1])
        if installed is None:
            yield f"{parts[1]} is missing, needed is {parts[2]}"
        elif _numbers(installed) < _numbers(parts[2]):
            yield f"{parts[1]} is {installed}, needed is {parts[2]}"


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def zones() -> Finding:
    """Check that the data of time zones is there."""
    found = zoneinfo.available_timezones()
    if {"UTC", "Europe/London", "America/New_York"} <= found:
        return Finding.well("time zones", count(len(found), "zone"))
    return Finding.problem(
        "time zones", "the data of time zones is missing", "Run: pip install tzdata"
    )


def disk(subject: Subject) -> Iterator[Finding]:
    """Check that there is room for the warehouse once more: a backup or an upgrade copies it."""
    file = subject.home.warehouse_file
    files = (file, file.with_name(file.name + ".wal"))
    size = sum(one.stat().st_size for one in files if one.is_file())
    free = shutil.disk_usage(subject.home.path).free
    found = f"{_bytes(free)} free, the warehouse has {_bytes(size)}"
    if free >= max(size, _LEAST_FREE):
        yield Finding.well("disk", found)
    else:
        yield Finding.problem(
            "disk",
            found,
            f"Make room for {_bytes(max(size, _LEAST_FREE))}: a backup or an upgrade copies the "
            "warehouse, and without room nothing new is accepted.",
        )


def isolation(subject: Subject) -> Iterator[Finding]:
    """Check that a person's code can be shut in, by attacking from a real sandbox."""
    del subject  # it is the machine that is asked
    verdict = check()
    found = verdict.found
    if not verdict.holds:
        found += "; JupyterLab is for admins only, whose code is not shut in"
    yield Finding("isolation", verdict.holds, found, verdict.cure)


def clock(now: datetime, newest: datetime | None) -> Finding:
    """Compare the clock with the newest commit; one set back gives new data an old date."""
    if newest is None:
        return Finding.well("clock", f"{now:%Y-%m-%d %H:%M} UTC")
    if newest <= now + _CLOCK_TOLERANCE:
        return Finding.well(
            "clock", f"{now:%Y-%m-%d %H:%M} UTC, after the newest commit ({newest:%Y-%m-%d %H:%M})"
        )
    return Finding.problem(
        "clock",
        f"the clock says {now:%Y-%m-%d %H:%M} UTC, the newest commit is of {newest:%Y-%m-%d %H:%M}",
        "Set the clock, best by a time service (timedatectl set-ntp true).",
    )


def _bytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
