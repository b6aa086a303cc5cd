"""The detector: one pass over a series, each value judged by those before it."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from itertools import islice
from typing import Any

from analyticspro.analysis.anomaly.judgement import Band, Basis, Judgement, View
from analyticspro.analysis.anomaly.seasons import Days, Weeks
from analyticspro.analysis.anomaly.windows import Extremes, Surprise, Window, middle, spread
from analyticspro.errors import DataError

__all__ = ["Detector"]

_FORMAT = 1
_LEAST = 20  # values before anything is expected
_WINDOW = 250
_SHORT = 16  # values of which the median is the present level
_RESTLESS = 24  # steps of which the mean is the present restlessness
_HALF = 3.3  # the surprise that makes a strength of 0.5
_FADE = math.exp(-1 / 200)
_MARGIN = 1.3
_LARGEST = 1e150  # beyond it, differences of values would overflow
# An hour of the day mixes weekdays, so that it is wrong more often than the others.
_WEIGHT = {View.DAY: 0.8}


def _ratio(distance: float, unit: float) -> float:
    """Return the distance in units; 1 where nothing has ever moved: no unit yet."""
    if unit > 0:
        return min(distance / unit, 1e9)
    return 1.0 if distance > 0 else 0.0


class Detector:
    """The state of one series' detector; feed it the buckets in order of time.

    Nothing is set per series, and all that differs between an hourly and a daily series follows
    from the times. A value's deviations in six views are each ranked among the earlier ones of
    that view (`Surprise`); the greatest rank, plus the one by which the value lies outside of
    everything remembered, is the surprise. So what a series does often is never news, whatever
    its distribution.

    Memory is bounded by about 7,000 numbers, however long the series. Scaling a series by a power
    of two changes no score.
    """

    def __init__(self) -> None:
        self._recent = Window(_WINDOW)
        self._times: deque[datetime] = deque(maxlen=_WINDOW)
        self._extremes = Extremes()
        self._days = Days()
        self._weeks = Weeks()
        self._steps: deque[float] = deque(maxlen=_RESTLESS)
        self._last: float | None = None
        self._unit = 0.0
        self._views = {view: Surprise() for view in View}
        self._outside = Surprise()
        self._echo = 0.0

    def update(
        self, at: datetime, value: float | None, *, exclude: bool = False, points: bool = False
    ) -> Judgement:
        """Judge the value of the bucket that starts at `at`, then learn it.

        Args:
            at: Wall-clock time of the workspace, later than all before; a gap is simply a gap.
            value: None, NaN and infinities are a missing bucket: nothing is judged or learned.
            exclude: Judge, but do not learn; nothing is news.
            points: Also return the points that the band was learned from.
        """
        band = self._band(at)
        shown = self._points(at, band.basis) if points else ()
        if value is None or not math.isfinite(value):
            return Judgement(
                at, None, band, 0.0, 0.0, None, False, self.is_learning, exclude, shown
            )
        number = max(-_LARGEST, min(_LARGEST, float(value)))
        if exclude:
            return Judgement(at, value, band, 0.0, 0.0, None, False, self.is_learning, True, shown)
        is_learning = self.is_learning
        surprise, leading, is_extreme = self._surprise(at, number, band)
        self._learn(at, number)
        strength = 1 - 2 ** (-surprise / _HALF)
        score = strength if self._is_news(surprise) else 0.0
        return Judgement(
            at, value, band, strength, score, leading, is_extreme, is_learning, False, shown
        )

    @property
    def is_learning(self) -> bool:
        """Whether too few values have been seen for a surprise: 20, then 30 ranked."""
        return self._views[View.LEVEL].total < Surprise.least

    def _band(self, at: datetime) -> Band:
        if len(self._recent) < _LEAST:
            return Band(math.nan, math.nan, Basis.NOTHING, len(self._recent))
        if (usual := self._weeks.expected(at)) is not None:
            return Band(*usual, Basis.WEEK, len(self._weeks.points(at)))
        ordered = self._recent.ordered
        return Band(middle(ordered), spread(ordered), Basis.RECENT, len(ordered))

    def _points(self, at: datetime, basis: Basis) -> tuple[tuple[datetime, float], ...]:
        if basis is Basis.WEEK:
            return self._weeks.points(at)
        return tuple(zip(self._times, self._recent.arrived, strict=True))

    def _surprise(self, at: datetime, value: float, band: Band) -> tuple[float, View | None, bool]:
        """Return the surprise, the view that leads, and whether the value is an extreme."""
        if band.basis is Basis.NOTHING:
            return 0.0, None, False
        most, leading = 0.0, None
        for view, deviation in self._deviations(at, value, band):
            if (rank := self._views[view].take(deviation) * _WEIGHT.get(view, 1.0)) > most:
                most, leading = rank, view
        low, high = self._extremes.low, self._extremes.high
        outside = _ratio(max(0.0, value - high, low - value), high - low)
        return most + self._outside.take(outside), leading, outside > 0

    def _deviations(self, at: datetime, value: float, band: Band) -> list[tuple[View, float]]:
        """Return how far the value is from what each view expects, in that view's unit.

        A fiftieth of the remembered range is added to every spread, so that the last digit of a
        series that hardly moves is no event.
        """
        ordered = self._recent.ordered
        floor = 0.02 * (self._extremes.high - self._extremes.low)
        centre, around = middle(ordered), spread(ordered) + floor
        short = islice(reversed(self._recent.arrived), _SHORT)
        found = [
            (View.LEVEL, _ratio(abs(value - centre), around)),
            (View.STEP, _ratio(abs(value - (self._last or 0.0)), self._unit)),
            (View.SHIFT, _ratio(abs(middle(sorted(short)) - centre), around)),
            (View.ROUGH, _ratio(sum(self._steps) / len(self._steps), self._unit)),
        ]
        if (usual := self._days.expected(at)) is not None:
            found.append((View.DAY, _ratio(abs(value - usual[0]), usual[1] + 2.5 * floor)))
        if band.basis is Basis.WEEK:
            distance = abs(value - band.centre)
            found.append((View.WEEK, _ratio(distance, band.spread + 2.5 * floor)))
        return found

    def _is_news(self, surprise: float) -> bool:
        """Return whether a surprise drowns the echo of earlier ones, which fades."""
        self._echo *= _FADE
        if surprise <= self._echo:
            return False
        self._echo = surprise * _MARGIN
        return True

    def _learn(self, at: datetime, value: float) -> None:
        if self._last is not None:
            step = abs(value - self._last)
            self._steps.append(step)
            # The unit of steps is what is usual at first; it only places them on the scale of
            # ranks, so it need not follow the series.
            if len(self._recent) == _LEAST - 1 or self._unit == 0:
                self._unit = sum(self._steps) / len(self._steps)
        self._last = value
        self._recent.add(value)
        self._times.append(at)
        self._extremes.add(value)
        self._days.add(at, value)
        self._weeks.add(at, value)

    def stored(self) -> dict[str, Any]:
        """Return the whole state as JSON knows it, for `restore` to go on from."""
        return {
            "format": _FORMAT,
            "recent": list(self._recent.arrived),
            "times": [at.isoformat() for at in self._times],
            "extremes": [list(self._extremes.blocks), self._extremes.filled],
            "days": self._days.stored(),
            "weeks": self._weeks.stored(),
            "steps": list(self._steps),
            "last": self._last,
            "unit": self._unit,
            "views": {view.name: surprise.stored() for view, surprise in self._views.items()},
            "outside": self._outside.stored(),
            "echo": self._echo,
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> Detector:
        """Return the detector that `stored` came from.

        Raises:
            DataError: It was stored by another version of the detector; feed the history again.
        """
        if stored.get("format") != _FORMAT:
            raise DataError(
                f"The detector's state has format {stored.get('format')!r}, not {_FORMAT}. "
                "Feed the series' history again."
            )
        detector = cls()
        detector._recent = Window(_WINDOW, stored["recent"])
        detector._times.extend(datetime.fromisoformat(at) for at in stored["times"])
        detector._extremes = Extremes(*stored["extremes"])
        detector._days = Days.restore(stored["days"])
        detector._weeks = Weeks.restore(stored["weeks"])
        detector._steps.extend(stored["steps"])
        detector._last, detector._unit = stored["last"], stored["unit"]
        detector._views = {view: Surprise(stored["views"][view.name]) for view in View}
        detector._outside = Surprise(stored["outside"])
        detector._echo = stored["echo"]
        return detector
