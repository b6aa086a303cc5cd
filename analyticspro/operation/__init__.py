"""How sources are looked after: are they well, what happened, when they run by themselves."""

from analyticspro.operation.health import Health, Judged, judge
from analyticspro.operation.sources import Sources
from analyticspro.operation.timetable import sync_schedule

__all__ = ["Health", "Judged", "Sources", "judge", "sync_schedule"]
