"""Data policies as they are stored, as one transaction sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from analyticspro.state.grant_models import Grants, GrantsHead

__all__ = ["GrantRow", "GrantTable"]

_TABLE = Grants.__table__


@dataclass(frozen=True)
class GrantRow:
    """One grant as it is stored.

    Attributes:
        holder: Who has it: `role:viewer` or `person:p12`.
        content: What is granted, as `analyticspro.policies` writes it.
    """

    id: int
    holder: str
    content: dict[str, Any]
    made_by: str
    made_at: datetime


class GrantTable:
    """Reads and changes the grants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def changes(self, *, lock: bool = False) -> int:
        """Return how often they were changed; 0 while the defaults hold.

        Args:
            lock: Keep others from changing them until the transaction ends.
        """
        query = select(GrantsHead.changes)
        return self._connection.scalar(query.with_for_update() if lock else query) or 0

    def all(self) -> list[GrantRow]:
        """Return every grant, in the order of their numbers."""
        query = select(_TABLE).order_by(Grants.id)
        return [GrantRow(**row._mapping) for row in self._connection.execute(query)]

    def add(self, holder: str, content: dict[str, Any], *, made_by: str, now: datetime) -> int:
        """Store a grant; return its number."""
        new = insert(Grants).values(holder=holder, content=content, made_by=made_by, made_at=now)
        return int(self._connection.execute(new.returning(Grants.id)).scalar_one())

    def remove(self, number: int) -> bool:
        """Remove a grant; tell whether it was there."""
        return self._connection.execute(delete(Grants).where(Grants.id == number)).rowcount > 0

    def count_change(self) -> None:
        """Note that they were changed, the first time too."""
        if self.changes():
            self._connection.execute(update(GrantsHead).values(changes=GrantsHead.changes + 1))
        else:
            self._connection.execute(insert(GrantsHead).values(id=1, changes=1))
