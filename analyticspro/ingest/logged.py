"""Keeps the history of a source: each sync from its begin to its end, however that comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from analyticspro.errors import AnalyticsProError
from analyticspro.ingest.event_store import EventStore
from analyticspro.ingest.report import Report

__all__ = ["logged"]


@contextmanager
def logged(warehouse: EventStore, report: Report, kind: str, at: datetime) -> Iterator[None]:
    """Keep in the history that a sync begins, and with `report` how it ended.

    One that is killed stays in it without an end. What cannot be kept, as of a full disk, ends
    the sync's report with that error, unless another did before.

    Args:
        warehouse: What keeps it.
        report: Filled in meanwhile.
        kind: `sync`, `replay` or `backfill`.
        at: When it begins, UTC.
    """
    number = None
    try:
        number = warehouse.syncs.begin(report.source, kind, at)
    except AnalyticsProError as error:
        report.error = error.payload()
    try:
        yield
    finally:
        if number is not None:
            outcome = json.dumps(report.to_json())
            try:
                warehouse.syncs.end(number, seconds=report.seconds, outcome=outcome)
            except AnalyticsProError as error:
                report.error = report.error or error.payload()
