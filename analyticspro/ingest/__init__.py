"""Ingest: from sources into the warehouse, nothing lost, nothing doubled."""

from analyticspro.ingest.backfill import backfill
from analyticspro.ingest.check import Check, check
from analyticspro.ingest.preview import Preview, preview, preview_file
from analyticspro.ingest.reconcile import counted, reconciled
from analyticspro.ingest.replay import replay
from analyticspro.ingest.replay_pushed import replay_pushed
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.sync import load_events, sync

__all__ = [
    "Check",
    "Preview",
    "Progress",
    "Report",
    "backfill",
    "check",
    "counted",
    "load_events",
    "preview",
    "preview_file",
    "reconciled",
    "replay",
    "replay_pushed",
    "sync",
]
