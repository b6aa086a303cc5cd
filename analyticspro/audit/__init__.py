"""Who did what to what, from where, when, allowed or not: append-only, and provably so."""

from analyticspro.audit.actor import Actor
from analyticspro.audit.anchor import Head
from analyticspro.audit.log import AuditLog, Writing
from analyticspro.audit.verdict import Verdict
from analyticspro.state import AuditRow

__all__ = ["Actor", "AuditLog", "AuditRow", "Head", "Verdict", "Writing"]
