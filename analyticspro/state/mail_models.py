"""The table of the mails that wait to be sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from analyticspro.state.columns import word
from analyticspro.state.mail_records import MailState
from analyticspro.state.models import Tables

__all__ = ["Mails"]


class Mails(Tables):
    """See `mail_records.Mail`. One row per recipient; its content goes once it is sent."""

    __tablename__ = "mails"
    __table_args__ = (
        Index("uq_mails_message_id", "message_id", unique=True),
        Index("uq_mails_key", "key", unique=True),
        Index("ix_mails_state", "state", "not_before"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str]
    key: Mapped[str | None]
    kind: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[MailState] = mapped_column(word(MailState))
    attempt: Mapped[int]
    attempts_allowed: Mapped[int]
    not_before: Mapped[datetime]
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    queued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None]
