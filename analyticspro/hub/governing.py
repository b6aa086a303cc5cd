"""Which pages about policies, their reasons and the audit log there are."""

from __future__ import annotations

from typing import Any

from analyticspro.hub.audit_page import Audit, AuditFile
from analyticspro.hub.policy_pages import PoliciesPage, PolicyHistory
from analyticspro.hub.view_as_page import ViewAs
from analyticspro.hub.why_page import Why

__all__ = ["GOVERNING"]

GOVERNING: tuple[tuple[str, Any], ...] = (
    (r"/policies", PoliciesPage),
    (r"/policies/history", PolicyHistory),
    (r"/policies/view-as", ViewAs),
    (r"/why", Why),
    (r"/audit", Audit),
    (r"/audit/file", AuditFile),
)
