"""`python -m analyticspro.feeder --home DIR`: lets the demo company of a home go on."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from analyticspro import logs
from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError
from analyticspro.feeder.going import go_on
from analyticspro.liveness import beating


def main() -> int:
    """Go on until told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyticspro.feeder", description=__doc__)
    parser.add_argument("--home", help="the folder of the workspace")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        home = Home.find(given.home).prepare()
        with logs.writing(home, "feeder"), beating(home.path / "run" / "feeder.json"):
            go_on(home, stop, say=lambda text: logs.info("feeder", said=text), is_patient=True)
    except AnalyticsProError as error:
        print(f"feeder: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
