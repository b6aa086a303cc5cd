"""What the audit log tells of: sign-ins that failed, refusals, exports, changes of policies.

Source: permissions.md, Who may see what: the tag `security`. The events are the workspace's own;
`operation/audit_feed.py` makes them of the log.
"""

from __future__ import annotations

from analyticspro.metrics.model import Aggregation, Simple, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("actor", "action")
_TAGS = ("security",)

FAILED_SIGN_INS = Simple(
    name="failed_sign_ins",
    title="Failed sign-ins",
    meaning="Sign-ins that the audit log tells were refused. Of a flood it tells the start of "
    "each lock, not each attempt.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    tags=_TAGS,
    events=("audit_sign_in_failed",),
    aggregation=Aggregation.COUNT,
)
DENIALS = Simple(
    name="denials",
    title="Denials",
    meaning="Entries of the audit log about something that was refused, but for sign-ins. What is "
    "refused again within a minute is one more entry, however often.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    tags=_TAGS,
    events=("audit_denied",),
    aggregation=Aggregation.COUNT,
)
AUDITED_EXPORTS = Simple(
    name="audited_exports",
    title="Exports",
    meaning="Exports that the audit log tells of.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_DIMENSIONS,
    tags=_TAGS,
    events=("audit_exported",),
    aggregation=Aggregation.COUNT,
)
POLICY_CHANGES = Simple(
    name="policy_changes",
    title="Policy changes",
    meaning="Grants of data policies that were made or withdrawn.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_DIMENSIONS,
    tags=_TAGS,
    events=("audit_policy_changed",),
    aggregation=Aggregation.COUNT,
)

METRICS = (FAILED_SIGN_INS, DENIALS, AUDITED_EXPORTS, POLICY_CHANGES)
