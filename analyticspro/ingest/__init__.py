"""Ingest: from sources into the warehouse, nothing lost, nothing doubled."""

from analyticspro.ingest.check import Check, check
from analyticspro.ingest.replay import replay
from analyticspro.ingest.replay_pushed import replay_pushed
from analyticspro.ingest.report import Progress, Report
from analyticspro.ingest.sync import load_events, sync

__all__ = ["Check", "Progress", "Report", "check", "load_events", "replay", "replay_pushed", "sync"]
