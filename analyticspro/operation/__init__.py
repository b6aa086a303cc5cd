"""How sources are looked after: are they well, what happened, when they run by themselves.

What the workspace tells of itself is one more of them.
"""

from analyticspro.operation.audit_feed import AuditFeed
from analyticspro.operation.health import Health, Judged, judge
from analyticspro.operation.sources import Sources
from analyticspro.operation.timetable import sync_schedule

__all__ = ["AuditFeed", "Health", "Judged", "Sources", "judge", "sync_schedule"]
