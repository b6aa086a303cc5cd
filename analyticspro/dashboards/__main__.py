"""`python -m analyticspro.dashboards --home DIR`: the page server of one workspace."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analyticspro.config import Home
from analyticspro.dashboards.kernels import MOST_KERNELS
from analyticspro.dashboards.server import DashboardServer
from analyticspro.errors import AnalyticsProError


def main() -> int:
    """Serve the dashboards of a home until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyticspro.dashboards", description=__doc__)
    parser.add_argument("--home", help="the folder of the workspace")
    parser.add_argument("--notebooks", type=Path, help="serve this folder, not the shipped one")
    parser.add_argument(
        "--most-pages", type=int, default=MOST_KERNELS, help="how many may be open at once"
    )
    given = parser.parse_args()
    try:
        home = Home.find(given.home).prepare()
        DashboardServer.of(home, given.notebooks, most_pages=given.most_pages).start()
    except AnalyticsProError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"The dashboards cannot be served: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
