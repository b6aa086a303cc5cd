"""The tables of persons and of how they come in. Of a token or link only a digest is kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from analyticspro.state.columns import word
from analyticspro.state.models import Tables
from analyticspro.state.people_records import LinkKind, Standing

__all__ = ["Identities", "Links", "People", "Sessions", "Strikes"]

_THERE = text("removed_at IS NULL")


class People(Tables):
    """See `people_records.Person`. Who was removed stays as a row: no number is given twice."""

    __tablename__ = "people"
    __table_args__ = (
        Index(
            "uq_people_email", "email", unique=True, sqlite_where=_THERE, postgresql_where=_THERE
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    standing: Mapped[Standing] = mapped_column(word(Standing))
    password_hash: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    joined_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Links(Tables):
    """See `people_records.Link`."""

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_email", "email", "kind"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[LinkKind] = mapped_column(word(LinkKind))
    email: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str | None] = mapped_column(String(20))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Sessions(Tables):
    """See `people_records.SignedIn`."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_person_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    origin: Mapped[str]
    agent: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Strikes(Tables):
    """How often somebody tried in vain, by a digest of the account or address tried."""

    __tablename__ = "strikes"
    __table_args__ = (Index("ix_strikes_last_at", "last_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class Identities(Tables):
    """Who a person is at a provider: its name for them, which it gives to nobody else, ever."""

    __tablename__ = "identities"
    __table_args__ = (Index("ix_identities_person_id", "person_id"),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
