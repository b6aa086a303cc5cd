"""The detector: causal, resumable, bounded, and never surprised by what is usual."""

from __future__ import annotations

import json
import math
import random
from datetime import date, datetime, timedelta
from statistics import median_high

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyticspro.analysis.anomaly import (
    Basis,
    Calendar,
    Detector,
    Direction,
    Gate,
    Judgement,
    Sensitivity,
)
from analyticspro.errors import DataError

START = datetime(2024, 1, 1)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Values = list[float | None]

numbers = st.one_of(
    st.none(),
    st.integers(-5, 20).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
)
steps = st.sampled_from([timedelta(minutes=5), HOUR, 7 * HOUR, DAY])


@st.composite
def series(draw: st.DrawFn) -> tuple[timedelta, Values]:
    """Return a step and values: long enough stretches of noise, with anything strewn in."""
    values: Values = []
    for _ in range(draw(st.integers(1, 4))):
        chance = random.Random(draw(st.integers(0, 999)))
        level, wide = draw(st.integers(-100, 100)), draw(st.sampled_from([0, 1, 30]))
        values += [level + wide * chance.random() for _ in range(draw(st.integers(0, 150)))]
        values += draw(st.lists(numbers, max_size=6))
    return draw(steps), values


def judge(values: Values, step: timedelta = HOUR, detector: Detector | None = None, first: int = 0
          ) -> list[Judgement]:  # fmt: skip
    detector = detector or Detector()
    return [detector.update(START + i * step, v) for i, v in enumerate(values, first)]


def noise(count: int, seed: int = 1, centre: float = 100, wide: float = 5) -> Values:
    chance = random.Random(seed)
    return [chance.gauss(centre, wide) for _ in range(count)]


def rhythm(weeks: int, seed: int = 1) -> Values:
    """Return hours of weeks: by day and by weekday different, with a little noise."""
    chance = random.Random(seed)
    return [
        100
        + 80 * math.sin(hour % 24 / 24 * 6.283)
        - (60 if hour // 24 % 7 > 4 else 0)
        + chance.gauss(0, 3)
        for hour in range(weeks * 168)
    ]


@settings(max_examples=40)
@given(series(), st.data())
def test_what_comes_later_changes_nothing(made: tuple[timedelta, Values], data: st.DataObject):
    step, values = made
    cut = data.draw(st.integers(0, len(values)))
    assert repr(judge(values[:cut], step)) == repr(judge(values, step)[:cut])


@settings(max_examples=40)
@given(series(), st.data())
def test_a_stored_detector_goes_on_as_if_never_away(
    made: tuple[timedelta, Values], data: st.DataObject
):
    step, values = made
    cut = data.draw(st.integers(0, len(values)))
    before = Detector()
    first = judge(values[:cut], step, before)
    after = Detector.restore(json.loads(json.dumps(before.stored(), allow_nan=False)))
    assert repr(first + judge(values[cut:], step, after, cut)) == repr(judge(values, step))
    assert after.stored() == judge_state(values, step)


def judge_state(values: Values, step: timedelta) -> dict[str, object]:
    whole = Detector()
    judge(values, step, whole)
    return whole.stored()


@settings(max_examples=60)
@given(series())
@example((HOUR, [0.0]))
@example((HOUR, [5.0] * 300 + [6.0]))
@example((HOUR, [1e308, -1e308] * 60))
@example((HOUR, [5e-324, 0.0] * 60 + [1e308]))
@example((HOUR, [math.nan, math.inf, -math.inf, None] * 20))
def test_whatever_comes_gets_a_score_between_0_and_1(made: tuple[timedelta, Values]):
    step, values = made
    for value, judged in zip(values, judge(values, step), strict=True):
        assert 0 <= judged.score <= judged.strength <= 1
        assert judged.score in (0, judged.strength)
        if value is None or not math.isfinite(value):
            assert (judged.value, judged.strength) == (None, 0)


@settings(max_examples=30)
@given(series(), st.integers(-20, 20))
def test_the_unit_of_a_series_changes_no_score(made: tuple[timedelta, Values], power: int):
    step, values = made
    usual = [
        v if v is None or (abs(v) < 1e6 and (abs(v) > 1e-6 or v == 0)) else None for v in values
    ]
    scaled = [None if v is None else v * 2.0**power for v in usual]
    assert [j.score for j in judge(usual, step)] == [j.score for j in judge(scaled, step)]


def test_what_is_kept_does_not_grow_with_the_series():
    sizes = []
    detector = Detector()
    for part in range(3):
        judge(noise(4000, seed=part), HOUR, detector, part * 4000)
        sizes.append(json.dumps(detector.stored()).count(","))
    # More weeks bring no more numbers once every hour of the week has its eight.
    assert sizes[2] <= sizes[1] * 1.05 < 9_000


def slow_band(values: list[float], step: timedelta) -> tuple[float, float] | None:
    """Return centre and spread expected of the bucket after `values`, by a walk in plain Python."""
    hours: dict[datetime, list[float]] = {}
    now = START + len(values) * step
    for i, value in enumerate(values):
        at = START + i * step
        hours.setdefault(at.replace(minute=0), []).append(value)
    last = (START + (len(values) - 1) * step).replace(minute=0)
    slots: dict[tuple[int, int], list[float]] = {}
    differences: list[float] = []
    for hour in sorted(hour for hour in hours if hour != last or now.replace(minute=0) > last):
        if hour == last:
            continue  # an hour is learned with the first value of the next
        slot = slots.setdefault((hour.weekday(), hour.hour), [])
        value = median_high(hours[hour][:120])
        if len(slot) >= 3:
            differences.append(value - median_high(slot[-8:]))
        slot.append(value)
    known = slots.get((now.weekday(), now.hour), [])[-8:]
    if len(known) < 3:
        return None
    usual = median_high(known)
    recent = sorted(differences[-48:])
    wider = 1 + 3 / len(known)
    if len(recent) < 12:
        return usual, (max(known) - min(known)) / 2 * wider
    cut = len(recent) // 10
    pooled = (recent[-1 - cut] - recent[cut]) / 2.5631
    own = median_high([abs(value - usual) for value in known]) * 1.4826
    return usual + median_high(recent), max(own, pooled) * wider


@settings(max_examples=25)
@given(
    st.integers(0, 999),
    st.integers(450, 900),
    st.sampled_from([timedelta(minutes=30), HOUR, DAY, timedelta(hours=5)]),
)
def test_the_band_of_the_week_is_that_of_a_plain_walk(seed: int, count: int, step: timedelta):
    values = [float(round(v)) for v in noise(count, seed) if v is not None]
    judged = judge([*values, 0.0], step)
    for n in (count // 3, count // 2, count - 1, count):
        slow, band = slow_band(values[:n], step), judged[n].band
        assert (band.basis is Basis.WEEK) == (slow is not None)
        if slow is not None:
            assert (band.centre, band.spread) == pytest.approx(slow)


def test_before_three_weeks_the_recent_window_is_what_is_expected():
    bases = [judged.band.basis for judged in judge(rhythm(4))]
    assert bases[:20] == [Basis.NOTHING] * 20
    assert set(bases[20 : 3 * 168]) == {Basis.RECENT}
    assert set(bases[3 * 168 + 1 :]) == {Basis.WEEK}


def test_a_daily_series_is_compared_with_the_same_weekday():
    days = [10.0 if i % 7 < 5 else 2.0 for i in range(70)]
    judged = judge(days, DAY)
    assert [round(j.band.centre) for j in judged[-7:]] == [10, 10, 10, 10, 10, 2, 2]


def test_the_rhythm_of_a_week_is_no_news_and_its_absence_is():
    gate = Gate(least_change=0.2)
    values = rhythm(10)
    assert not any(gate.breached(judged) for judged in judge(values)[4 * 168 :])
    noon = 9 * 168 + 5  # Monday, near the top of the curve
    quiet = [*values[:noon], 12.0, *values[noon + 1 :]]
    fired = [i for i, judged in enumerate(judge(quiet)) if gate.breached(judged) and i > 4 * 168]
    assert fired == [noon]


def test_a_new_level_is_told_once_and_then_learned():
    values = noise(500) + noise(500, centre=200)
    judged = judge(values)
    gate = Gate()
    assert gate.breached(judged[500]) is True
    assert judged[500].score > 0.8
    assert sum(judged[i].score > 0.5 for i in range(501, 600)) == 0
    assert not any(gate.breached(j) for j in judged[800:])


def test_a_constant_series_with_a_gap_stays_quiet():
    values: Values = [7.0] * 200 + [None] * 50 + [7.0] * 200
    judged = judge(values)
    assert max(j.strength for j in judged) == 0
    assert Gate().breached(judged[220]) is None


def test_the_first_errors_of_a_series_without_any_are_found():
    judged = judge([0.0] * 139 + [4.0, 15.0], DAY)
    assert judged[140].strength > 0.8
    assert Gate(least_count=10).breached(judged[140]) is True
    assert Gate(least_count=10).breached(judged[139]) is False


def test_a_holiday_is_shown_but_neither_told_nor_learned():
    calendar = Calendar(
        holidays=frozenset({date(2024, 2, 10)}),
        incidents=((datetime(2024, 2, 11, 3), datetime(2024, 2, 11, 5)),),
    )
    values = noise(60 * 24)
    detector, other = Detector(), Detector()
    for i, value in enumerate(values):
        at = START + i * HOUR
        excluded = calendar.excludes(at)
        judged = detector.update(at, 9999.0 if excluded else value, exclude=excluded)
        other.update(at, None if excluded else value)
        if excluded:
            assert (judged.value, judged.strength, judged.is_excluded) == (9999.0, 0, True)
            assert Gate().breached(judged) is False
    assert detector.stored() == other.stored()
    assert [calendar.excludes(datetime(2024, 2, 11, hour)) for hour in (2, 3, 4, 5)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_evidence_is_what_the_band_was_learned_from():
    values = rhythm(6)
    detector = Detector()
    judge(values, HOUR, detector)
    shown = detector.update(START + len(values) * HOUR, 100.0, points=True)
    assert shown.points == tuple((START + w * 168 * HOUR, values[w * 168]) for w in range(6))
    assert shown.band.learned == 6
    young = Detector()
    judge(values[:100], HOUR, young)
    shown = young.update(START + 100 * HOUR, 1.0, points=True)
    assert [value for _, value in shown.points] == values[:100]
    assert shown.points[0][0] == START


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        pytest.param(Gate(), True, id="far outside of the band"),
        pytest.param(Gate(least_count=1000), False, id="too few to matter"),
        pytest.param(Gate(least_change=3.0), False, id="too small a change"),
        pytest.param(Gate(direction=Direction.DOWN), False, id="on the side that nobody asked for"),
        pytest.param(Gate(direction=Direction.UP), True, id="on the side asked for"),
    ],
)
def test_a_gate_keeps_back_what_does_not_matter(gate: Gate, told: bool):
    assert gate.breached(judge([*noise(300), 200.0])[-1]) is told


def test_more_sensitivity_never_tells_less():
    judged = judge(noise(400) + noise(100, seed=2, centre=110) + [150.0, 60.0, 180.0])
    told = {s: {j.at for j in judged if Gate(s).breached(j)} for s in Sensitivity}
    assert told[Sensitivity.LOW] <= told[Sensitivity.MEDIUM] <= told[Sensitivity.HIGH]
    assert told[Sensitivity.LOW]


def test_a_state_of_another_version_is_refused():
    with pytest.raises(DataError, match="Feed the series' history again"):
        Detector.restore({"format": 0})
