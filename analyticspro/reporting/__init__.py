"""Reports: a parameterised notebook, run and written out as one file."""

from __future__ import annotations

from analyticspro.reporting.run import run_report

__all__ = ["run_report"]
