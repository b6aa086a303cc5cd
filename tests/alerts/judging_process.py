"""A process that is killed while it judges; started with the folder of a warehouse and a state.

It says "judged" on a line after each look, so that whoever kills it knows that it is at work.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analyticspro.alerts import Rule
from analyticspro.alerts.book import AlertBook
from analyticspro.alerts.evaluator import Evaluator
from analyticspro.alerts.figures import Figures
from analyticspro.config import Settings
from analyticspro.state import State
from tests.metrics.shop import PLACED, Shop, told

HOURS = 8
START = datetime(2026, 3, 2, tzinfo=UTC)
FEW = {"name": "few", "metric": "orders", "when": {"kind": "threshold", "is": "<", "value": 2}}


def happened(until: int) -> list[object]:
    """Two orders in even hours, one in odd ones: each odd hour is a breach."""
    return [
        told(
            str(START + timedelta(hours=hour, minutes=minute))[:16],
            PLACED,
            "1.00",
            order=f"{hour}-{minute}",
            id=f"{hour}-{minute}",
        )
        for hour in range(until)
        for minute in ((0, 30) if hour % 2 == 0 else (0,))
    ]


def judge(shop: Shop, state: State, hour: int, evaluator: Evaluator) -> None:
    """Let the orders of up to an hour be there, and judge them."""
    shop.holds(happened(hour))  # type: ignore[arg-type]
    evaluator.look(START + timedelta(hours=hour, minutes=1))


def ready(shop: Shop, state: State) -> Evaluator:
    """Return what judges, with its rule."""
    AlertBook(state).put([Rule.parse(FEW)], who="ada", now=START)
    return Evaluator(state, Figures(shop.warehouse, Settings(currency="GBP")))


def judged_to_the_end(shop: Shop, state: State) -> AlertBook:
    """Judge all that is left."""
    evaluator = ready(shop, state)
    for hour in range(1, HOURS + 2):
        judge(shop, state, hour, evaluator)
    return AlertBook(state)


def main() -> None:
    """Judge hour after hour, those before again: whoever was killed comes back so."""
    folder = Path(sys.argv[1])
    with Shop.at(folder) as shop, State.open(folder / "state.db") as state:
        evaluator = ready(shop, state)
        for hour in range(1, HOURS + 2):
            judge(shop, state, hour, evaluator)
            os.write(1, b"judged\n")


if __name__ == "__main__":
    main()
