"""Which connectors there are: the one place that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyticspro.connectors.declaration import Source
from analyticspro.connectors.files_source import FilesSource
from analyticspro.connectors.logs_source import LogsSource
from analyticspro.connectors.rates_source import RatesSource
from analyticspro.connectors.rest_source import RestSource
from analyticspro.connectors.sql_source import SqlSource
from analyticspro.connectors.uptime_source import UptimeSource

__all__ = ["KINDS"]

# By the name that `connector = "…"` says in sources.toml.
KINDS: Mapping[str, type[Source]] = MappingProxyType(
    {
        "files": FilesSource,
        "logs": LogsSource,
        "rates": RatesSource,
        "rest": RestSource,
        "sql": SqlSource,
        "uptime": UptimeSource,
    }
)
