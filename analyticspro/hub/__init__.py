"""JupyterHub as the gate: its configuration, who gets a Lab, and the proxy before it.

jupyterhub costs 0.85 CPU-seconds and 98 MB to import; only the hub's own process does.
"""

from __future__ import annotations

from typing import Any

from analyticspro.config import Home

__all__ = ["configure"]


def configure(c: Any, home: Home) -> None:
    """Fill in the configuration of the hub of a home; see `analyticspro.hub.configuration`."""
    from analyticspro.hub import configuration

    configuration.configure(c, home)
