"""`python -I -m analyticspro.isolation SANDBOX PROGRAM …`: what `Sandbox.command` returns."""

from __future__ import annotations

import sys

from analyticspro.errors import AnalyticsProError
from analyticspro.isolation.inside import NO_SANDBOX
from analyticspro.isolation.launch import launch
from analyticspro.isolation.sandbox import Sandbox

if __name__ == "__main__":
    try:
        sys.exit(launch(Sandbox.from_json(sys.argv[1]), sys.argv[2:]))
    except AnalyticsProError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_SANDBOX)
