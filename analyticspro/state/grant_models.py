"""The tables of data policies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from analyticspro.state.models import Tables

__all__ = ["Grants", "GrantsHead"]


class Grants(Tables):
    """Who is granted what, see `grants.GrantRow`."""

    __tablename__ = "grants"

    id: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str]
    content: Mapped[dict[str, Any]]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class GrantsHead(Tables):
    """One row once anything was changed: from then on the defaults hold no more."""

    __tablename__ = "grants_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changes: Mapped[int]
