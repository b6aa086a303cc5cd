"""The anomaly detector: a value against its own history, causal, one point at a time."""

from analyticspro.analysis.anomaly.calendar import Calendar
from analyticspro.analysis.anomaly.contribution import Contribution, of_ratio, of_total
from analyticspro.analysis.anomaly.detector import Detector
from analyticspro.analysis.anomaly.gate import Direction, Gate, Sensitivity
from analyticspro.analysis.anomaly.judgement import Band, Basis, Judgement, View

__all__ = [
    "Band",
    "Basis",
    "Calendar",
    "Contribution",
    "Detector",
    "Direction",
    "Gate",
    "Judgement",
    "Sensitivity",
    "View",
    "of_ratio",
    "of_total",
]
