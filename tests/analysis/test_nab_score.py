"""The scoring of the benchmark, against cases worked out by hand; and what the benchmark writes."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import nab  # noqa: E402
from nab_score import evaluate, probation, windows  # noqa: E402

FIRST = 2 / (1 + math.exp(-5)) - 1


def alarms(rows: int, *at: int) -> list[float]:
    return [1.0 if row in at else 0.0 for row in range(rows)]


def test_the_first_row_of_every_window_is_perfect():
    result = evaluate({"a": alarms(1000, 450)}, {"a": [(450, 549)]})
    assert result.score == pytest.approx(100)
    assert (result.found, result.windows, result.false_positives) == (1, 1, 0)


def test_a_detection_is_worth_less_the_later_it_comes():
    # Row 500 of a window of 100: −(549 − 500 + 1) / 100 = −0.5.
    result = evaluate({"a": alarms(1000, 500)}, {"a": [(450, 549)]})
    worth = (2 / (1 + math.exp(-2.5)) - 1) / FIRST
    assert result.score == pytest.approx(100 * (worth + 1) / 2)


def test_only_the_best_row_of_a_window_counts():
    once = evaluate({"a": alarms(1000, 450)}, {"a": [(450, 549)]})
    often = evaluate({"a": alarms(1000, 450, 451, 500, 549)}, {"a": [(450, 549)]})
    assert often.score == pytest.approx(once.score)


def test_a_false_alarm_costs_more_the_farther_behind_a_window():
    stretch = {"a": [(450, 549)]}
    near = evaluate({"a": alarms(1000, 450, 559)}, stretch)
    far = evaluate({"a": alarms(1000, 450, 999)}, stretch)
    before = evaluate({"a": alarms(1000, 450, 300)}, stretch)
    cost = 0.11 * (1 - 2 / (1 + math.exp(5 * 10 / 99)))
    assert near.score == pytest.approx(100 - 100 * cost / 2)
    assert far.score == pytest.approx(100 - 100 * 0.11 / 2, abs=1e-6)
    assert before.score == pytest.approx(100 - 100 * 0.11 / 2)


def test_a_missed_window_costs_as_much_as_a_found_one_earns():
    result = evaluate(
        {"a": alarms(1000, 450), "b": alarms(1000)}, {"a": [(450, 549)], "b": [(600, 699)]}
    )
    assert result.score == pytest.approx(50)


def test_rows_of_the_probation_count_for_nothing():
    assert [probation(rows) for rows in (100, 5000, 20_000)] == [15, 750, 750]
    result = evaluate({"a": alarms(1000, 20, 450)}, {"a": [(450, 549)]})
    assert (result.score, result.false_positives) == (pytest.approx(100), 0)


def test_the_same_score_everywhere_is_the_null_detector():
    assert evaluate({"a": [0.5] * 1000}, {"a": [(450, 549)]}).score == 0


def test_the_windows_of_a_file_are_a_tenth_of_it():
    assert windows(1000, [500]) == [(450, 550)]
    assert windows(1000, [200, 700]) == [(175, 225), (675, 725)]
    assert windows(1000, [500, 510]) == [(475, 535)]
    assert windows(1000, []) == []


def test_the_result_files_have_a_row_per_row_of_input(tmp_path: Path):
    series = {"group/name": (["2024-01-01 00:00:00", "2024-01-01 00:05:00"], ["1.50", "2"])}
    nab.write(tmp_path, series, {"group/name": [0.0, 0.25]})
    path = tmp_path / "analyticspro" / "group" / "analyticspro_name.csv"
    assert list(csv.reader(path.read_text().splitlines())) == [
        ["timestamp", "value", "anomaly_score"],
        ["2024-01-01 00:00:00", "1.50", "0.000000000"],
        ["2024-01-01 00:05:00", "2", "0.250000000"],
    ]
