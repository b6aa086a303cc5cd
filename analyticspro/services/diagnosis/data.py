"""Checks of the data: the warehouse, and what sources need to be read."""

from __future__ import annotations

import glob
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from analyticspro import connectors
from analyticspro.client import Remote
from analyticspro.config import environment
from analyticspro.connectors import Source
from analyticspro.errors import SettingError, WarehouseBusy
from analyticspro.secrets_store import Secrets
from analyticspro.services.diagnosis import machine
from analyticspro.services.diagnosis.finding import Finding, Subject, count
from analyticspro.services.diagnosis.processes import running_api
from analyticspro.warehouse.inspection import NEWEST_SCHEMA, inspect

__all__ = ["source", "sources", "warehouse"]

# What declarations call the names of secrets; the key of a mapping is a list.
_SECRETS = ("bearer", "key", "password", "client_secret")
_ADDRESSES = ("url", "token_url")
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "mysql": 3306,
          "mariadb": 3306}  # fmt: skip
_ANSWER_WITHIN_S = 3.0


def warehouse(subject: Subject) -> Iterator[Finding]:
    """Check that the warehouse opens, its schema, and the clock against its newest commit.

    While the api holds it, nobody else can look into it; then the api is asked.
    """
    place = subject.home
    api = running_api(subject)
    if api is not None:
        rows = Remote(api, place.token()).sources()
        synced = [datetime.fromisoformat(row["synced_at"]) for row in rows if row["synced_at"]]
        yield Finding.well("warehouse", f"held by the api at {api}, which is ready")
        yield machine.clock(subject.now, max(synced, default=None))
        return
    if not place.warehouse_file.exists():
        yield Finding.well("warehouse", "none yet; the first sync makes it")
        yield machine.clock(subject.now, None)
        return
    try:
        found = inspect(place.warehouse_file)
    except WarehouseBusy as error:
        yield Finding.problem(
            "warehouse",
            str(error).partition(". ")[0],
            "If that is a command at work, wait until it is done. If it is an api that hangs: "
            "'analyticspro down', then 'up'.",
        )
        return
    yield Finding.well("warehouse", f"opens, {place.warehouse_file}")
    yield _schema(found.schema)
    yield machine.clock(subject.now, found.committed_at)


def _schema(version: int) -> Finding:
    if version > NEWEST_SCHEMA:
        return Finding.problem(
            "schema",
            f"{version}, made by a newer AnalyticsPro; this one knows up to {NEWEST_SCHEMA}",
            "Install the newer one again, or restore a copy from the backups folder.",
        )
    older = "" if version == NEWEST_SCHEMA else f"; the next start brings it to {NEWEST_SCHEMA}"
    return Finding.well("schema", f"{version}{older}")


def sources(subject: Subject) -> Iterator[Finding]:
    """Check that sources.toml can be read, and each source's secrets, files and hosts."""
    file = subject.home.sources_file
    if not file.exists():
        yield Finding.well("sources", f"none declared in {file}")
        return
    declared = connectors.load(file, environment())
    yield Finding.well("sources", count(len(declared), "source") + " declared")
    secrets = Secrets.open(subject.home)
    for one in declared:
        yield from source(one, secrets)


def source(declared: Source, secrets: Secrets) -> list[Finding]:
    """Check a source's secrets, files and hosts, as cheaply as can be: nothing is read."""
    name = f"source {declared.name}"
    table = declared.model_dump(mode="json")
    problems = [*_unset(name, declared.name, table, secrets), *_unreachable(name, table)]
    return problems or [Finding.well(name, _told(table))]


def _unset(check: str, source: str, table: dict[str, Any], secrets: Secrets) -> Iterator[Finding]:
    for name in _named(table, _SECRETS):
        try:
            secrets.get(source, name)
        except SettingError as error:
            yield Finding.of(check, error)


def _unreachable(check: str, table: dict[str, Any]) -> Iterator[Finding]:
    if table.get("path") and not glob.glob(table["path"], recursive=True):
        yield Finding.problem(
            check,
            f"no file at {table['path']}",
            "Set its path in sources.toml, or put the files there.",
        )
    for address in _named(table, _ADDRESSES):
        yield from _silent(check, address)


def _silent(check: str, address: str) -> Iterator[Finding]:
    """Yield a problem if nobody listens at `address`; of it only the host is shown."""
    parts = urlsplit(address)
    scheme = parts.scheme.partition("+")[0]
    if scheme == "sqlite":
        file = unquote(parts.path).removeprefix("/")
        if not Path(file).is_file():
            yield Finding.problem(check, f"no file at {file}", "Set its url in sources.toml.")
        return
    port = parts.port or _PORTS.get(scheme)
    if not parts.hostname or port is None:
        return
    try:
        socket.create_connection((parts.hostname, port), timeout=_ANSWER_WITHIN_S).close()
    except OSError as error:
        yield Finding.problem(
            check,
            f"{parts.hostname} does not answer on port {port} ({error.strerror or error})",
            "See whether it runs and can be reached from here; the address is in sources.toml.",
        )


def _named(table: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts that stand under one of `names`, at the source and in its tables."""
    for name, value in table.items():
        if isinstance(value, dict) and name != "streams":
            yield from _named(value, names)
        elif name in names and isinstance(value, str):
            yield value


def _told(table: dict[str, Any]) -> str:
    if table.get("path"):
        found = glob.glob(table["path"], recursive=True)
        return count(len(found), "file")
    return "its secrets are set, its host answers"
