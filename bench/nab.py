"""The shipped anomaly detector over the 58 series of NAB, in NAB's own layout.

`make bench NAME=nab OUT=DIR` writes `DIR/analyticspro/<group>/analyticspro_<file>.csv`, a row per
row of input. Without OUT it only prints how quick it was and the scores on the marks made by eye.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from nab_marks import MARKS
from nab_score import Score, evaluate, windows

from analyticspro.analysis.anomaly import Detector

ROOT = Path(__file__).parent.parent
NAME = "analyticspro"

Series = tuple[list[str], list[str]]
Scorer = Callable[[Sequence[datetime], Sequence[float]], list[float]]


def read() -> dict[str, Series]:
    """Return timestamps and values, as written, by `group/file`."""
    data = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", ROOT.parent / "shared" / "data"))
    archive = data / "nab" / "nab-data.tar.gz"
    if not archive.is_file():
        sys.exit(f"{archive} is not there; set ANALYTICSPRO_TEST_DATA to the folder of test data.")
    found: dict[str, Series] = {}
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            file = tar.extractfile(member) if member.name.endswith(".csv") else None
            if file is not None:
                rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8")))[1:]
                group, name = Path(member.name).parts[-2:]
                key = f"{group}/{name.removesuffix('.csv')}"
                found[key] = [row[0] for row in rows], [row[1] for row in rows]
    return found


def shipped(times: Sequence[datetime], values: Sequence[float]) -> list[float]:
    """Return the scores of the product's detector: no parameter, one pass."""
    detector = Detector()
    return [detector.update(at, value).score for at, value in zip(times, values, strict=True)]


def gaussian(times: Sequence[datetime], values: Sequence[float]) -> list[float]:
    """Return how unlikely each value is under the normal distribution of all before it."""
    found, count, total, squares = [], 0, 0.0, 0.0
    for value in values:
        mean = total / count if count else value
        deviation = math.sqrt(max(1e-12, squares / count - mean * mean)) if count else 1.0
        found.append(1 - math.erfc(abs(value - mean) / deviation / math.sqrt(2)) / 2)
        count, total, squares = count + 1, total + value, squares + value * value
    return found


def null(times: Sequence[datetime], values: Sequence[float]) -> list[float]:
    """Return NAB's null detector: 0.5, always."""
    return [0.5] * len(values)


def write(folder: Path, series: dict[str, Series], scores: dict[str, list[float]]) -> None:
    """Write NAB's layout; timestamps and values stay as they were written."""
    for key, (times, values) in series.items():
        group, name = key.split("/")
        path = folder / NAME / group / f"{NAME}_{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["timestamp", "value", "anomaly_score"])
            shown = (f"{score:.9f}" for score in scores[key])
            writer.writerows(zip(times, values, shown, strict=True))


def compare(
    parsed: dict[str, tuple[list[datetime], list[float]]],
) -> tuple[dict[str, Score], dict[str, list[float]], float]:
    """Return each detector's score on the marks, the shipped one's series and its speed."""
    marked = {key: windows(len(times), MARKS.get(key, ())) for key, (times, _) in parsed.items()}
    results: dict[str, Score] = {}
    scores: dict[str, list[float]] = {}
    points_per_s = 0.0
    for name, detect in (("null", null), ("gaussian", gaussian), (NAME, shipped)):
        started = time.process_time()
        scores = {key: detect(*columns) for key, columns in parsed.items()}
        points_per_s = sum(map(len, scores.values())) / (time.process_time() - started)
        results[name] = evaluate(scores, marked)
    return results, scores, points_per_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for NAB's result files")
    out: Path | None = parser.parse_args().out
    series = read()
    parsed = {
        key: ([datetime.fromisoformat(at) for at in times], [float(value) for value in values])
        for key, (times, values) in series.items()
    }
    results, scores, points_per_s = compare(parsed)
    print("On marks made by eye, not NAB's labels:")
    for name, result in results.items():
        print(
            f"{name:12} {result.score:6.1f} at threshold {result.threshold:6.4f}, "
            f"{result.found:3} of {result.windows} windows, {result.false_positives} false alarms"
        )
    if out is not None:
        write(out, series, scores)
        print(f"{len(series)} files are in {out / NAME}.")
    figures = {f"own_marks_{name}": round(result.score, 2) for name, result in results.items()}
    figures |= {"points_per_cpu_s": round(points_per_s), "rows": sum(map(len, scores.values()))}
    ratios = {"marks_vs_gaussian": round(results[NAME].score / results["gaussian"].score, 3)}
    told = {"name": "nab", "cores": os.cpu_count(), "figures": figures, "ratios": ratios}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
