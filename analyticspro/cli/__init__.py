"""The command line."""

from analyticspro.cli import figures, reports, services, sources
from analyticspro.cli.root import group as main

__all__ = ["figures", "main", "reports", "services", "sources"]
