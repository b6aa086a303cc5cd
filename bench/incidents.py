"""What the shipped anomaly detector tells of the clickstream, by event name, over hours and days.

One rule for all: medium sensitivity, at least 12 events, at least half more or less than expected.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from analyticspro.analysis.anomaly import (
    Contribution,
    Detector,
    Gate,
    Judgement,
    Sensitivity,
    of_total,
)

ROOT = Path(__file__).parent.parent
GATE = Gate(Sensitivity.MEDIUM, least_count=12, least_change=0.5)
GRAINS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}


@dataclass(frozen=True)
class Fired:
    """One series that breached in one bucket, with the platforms its value came from."""

    grain: str
    event: str
    judgement: Judgement
    segments: list[Contribution]


def archive() -> Path:
    """Return where the clickstream is, whether or not it is."""
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    return data / "ecom-clickstream" / "ecom.csv.gz"


def count(grain: str) -> tuple[dict[str, dict[datetime, Counter[str]]], list[datetime]]:
    """Return events by name, bucket and platform, and all buckets from the first to the last."""
    counts: dict[str, dict[datetime, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    with gzip.open(archive(), "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["timestamp"]).replace(minute=0, second=0)
            at = at.replace(hour=0) if grain == "day" else at
            counts[row["event"]][at][row["platform"]] += 1
    times = [at for series in counts.values() for at in series]
    first, last = min(times), max(times)
    buckets = (last - first) // GRAINS[grain] + 1
    return counts, [first + i * GRAINS[grain] for i in range(buckets)]


def watch(grain: str) -> Iterator[Fired]:
    """Yield what fired, series by series, in order of time."""
    counts, buckets = count(grain)
    for event, series in sorted(counts.items()):
        detector = Detector()
        for at in buckets:
            now = series.get(at, Counter())
            judged = detector.update(at, float(now.total()), points=True)
            if GATE.breached(judged):
                yield Fired(grain, event, judged, of_total(usual(series, judged), now))


def usual(series: dict[datetime, Counter[str]], judged: Judgement) -> dict[str, float]:
    """Return each platform's mean over the points that the band was learned from."""
    times = [at for at, _ in judged.points]
    total: Counter[str] = Counter()
    for at in times:
        total.update(series.get(at, {}))
    return {platform: number / len(times) for platform, number in total.items()}


def describe(fired: Fired) -> str:
    """Return one line: when, what, what was expected and from what, how strange, from where."""
    judged = fired.judgement
    low, high = judged.band.edges(GATE.sensitivity.width)
    learned = ", ".join(f"{value:g}" for _, value in judged.points[-8:])
    parts = ", ".join(f"{part.segment} {part.change:+.1f}" for part in fired.segments[:2])
    return (
        f"{fired.grain:4} {judged.at:%Y-%m-%d %H:%M} {fired.event:16} {judged.value:3.0f}, "
        f"expected {max(0.0, low):.1f} to {high:.1f} ({judged.band.basis}: {learned}), "
        f"strength {judged.strength:.2f}, {judged.leading}; {parts}"
    )


def main() -> None:
    if not archive().is_file():
        sys.exit(f"{archive()} is not there; set ANALYTICSPRO_TEST_DATA.")
    figures = {}
    for grain in GRAINS:
        found = list(watch(grain))
        figures[f"fired_{grain}"] = len(found)
        for fired in found:
            print(describe(fired))
    told = {"name": "incidents", "cores": os.cpu_count(), "figures": figures, "ratios": {}}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
