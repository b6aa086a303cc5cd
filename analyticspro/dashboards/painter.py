"""`python -m analyticspro.dashboards.painter`: draws charts, one after the other.

A process of its own, because drawing holds the interpreter for as long as it takes. Each line
of its input is a JSON text, a Vega-Lite specification; each line of its output a JSON text,
the SVG, or an object with the `error`. It ends with its input.
"""

from __future__ import annotations

import json
import sys

from analyticspro.dashboards.draw import svg

__all__ = ["main"]

_FIRST = {"mark": "bar", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a"}}}


def main() -> int:
    """Draw until the input ends; return the exit code."""
    svg(_FIRST)  # the first takes a third of a second, whatever it is
    for line in sys.stdin.buffer:
        try:
            drawn: object = svg(json.loads(json.loads(line)))
        except (ValueError, RuntimeError) as error:
            drawn = {"error": str(error)[:500]}
        sys.stdout.write(json.dumps(drawn) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
