"""Homes of a small demo company, and what their warehouses hold."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from analyticspro import connectors
from analyticspro.config import Home
from analyticspro.demo_company import Company
from analyticspro.workspace import Workspace

EVENTS, SEED = 5000, 11


def begun(path: Path, first: datetime) -> tuple[Home, Company]:
    """Return a home whose company was begun at `first`; nothing is recorded yet."""
    home = Home(path).prepare()
    company = Company.open(home.path, events=EVENTS, seed=SEED, now=first)
    home.write_settings(demo=True)
    return home, company


def synced(home: Home, company: Company, until: datetime) -> list[dict[str, object]]:
    """Record and sync all up to `until`, as was done then; return the reports."""
    company.record(until)
    with company.platform(lambda: until), Workspace.open(home) as workspace:
        sources = connectors.load(home.path / "demo" / "sources.toml", {})
        reports = workspace.sync(sources, progress=lambda _: None)
    assert [report.error for report in reports if report.error] == []
    return [report.to_json() for report in reports]


def live(home: Home) -> dict[str, tuple[object, ...]]:
    """Return what the warehouse says has happened, by event id.

    A request has no id of its own; the connector's depends on how the log was rotated.
    """
    with duckdb.connect(str(home.warehouse_file), read_only=True) as connection:
        rows = connection.execute(
            "SELECT event_id, name, occurred_at, customer_id, user_id, session_id, amount_minor, "
            "currency, properties FROM events WHERE retired IS NULL"
        ).fetchall()
    requests = [row[1:] for row in rows if row[1].startswith("request_")]
    requests.sort(key=lambda row: (row[1], str(row)))
    found = {row[0]: tuple(row[1:]) for row in rows if not row[1].startswith("request_")}
    found |= {f"request {number}": row for number, row in enumerate(requests)}
    assert len(found) == len(rows)
    return found
