"""The tables of the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from analyticspro.state.models import Tables

__all__ = ["AuditEntries", "AuditHead"]


class AuditEntries(Tables):
    """See `audit_records.AuditRow`. Triggers refuse to change or delete one."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_at", "at"), Index("ix_audit_entries_who", "who"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    origin: Mapped[str]
    allowed: Mapped[bool]
    reason: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64))


class AuditHead(Tables):
    """One row, the newest entry: whoever appends locks it, so that there is one chain."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
