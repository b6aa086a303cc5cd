"""`python -m analyticspro.dashboards --home DIR`: the page server of one workspace."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analyticspro.config import Home
from analyticspro.dashboards.server import DashboardServer
from analyticspro.errors import AnalyticsProError


def main() -> int:
    """Serve the dashboards of a home until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyticspro.dashboards", description=__doc__)
    parser.add_argument("--home", help="the folder of the workspace")
    parser.add_argument("--notebooks", type=Path, help="serve this folder, not the shipped one")
    given = parser.parse_args()
    try:
        DashboardServer.of(Home.find(given.home).prepare(), given.notebooks).start()
    except AnalyticsProError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"The dashboards cannot be served: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
