"""The audit log as it is stored: read, and added to, within a caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from analyticspro.state.audit_models import AuditEntries, AuditHead
from analyticspro.state.audit_records import AuditRow

__all__ = ["AuditTable"]

_TABLE = AuditEntries.__table__
_CHUNK = 1_000


class AuditTable:
    """The entries and their head, as one connection sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self, *, lock: bool = False) -> tuple[int, str]:
        """Return number and digest of the newest entry; 0 and nothing if there is none.

        Args:
            lock: Keep everybody else from appending until the transaction ends.
        """
        query = select(AuditHead.seq, AuditHead.digest)
        found = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return (0, "") if found is None else (found.seq, found.digest)

    def append(self, rows: list[AuditRow]) -> None:
        """Add `rows`, which follow the head one by one, and move the head."""
        self._connection.execute(insert(AuditEntries), [vars(row) for row in rows])
        newest = {"seq": rows[-1].seq, "digest": rows[-1].digest}
        self._connection.execute(update(AuditHead).values(**newest))

    def all(self, *, after: int = 0) -> Iterator[AuditRow]:
        """Return every entry `after` one, the oldest first, without holding them all."""
        last = after
        while True:
            rows = self._connection.execute(
                select(_TABLE).where(AuditEntries.seq > last).order_by("seq").limit(_CHUNK)
            ).all()
            yield from (AuditRow(**row._mapping) for row in rows)
            if len(rows) < _CHUNK:
                return
            last = rows[-1].seq

    def digest(self, seq: int) -> str | None:
        """Return the digest of an entry; None if it is not there."""
        return self._connection.scalar(select(AuditEntries.digest).where(AuditEntries.seq == seq))

    def newest(
        self,
        limit: int,
        *,
        before: int | None = None,
        who: str | None = None,
        action: str | None = None,
        allowed: bool | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditRow]:
        """Return the newest entries, the newest first.

        Args:
            limit: How many at most.
            before: Only those older than this number, for the next page.
            who: Only of this person.
            action: Only of this action, or of all that begin with it and a dot.
            allowed: Only what was done, or only what was refused.
            subject: Only what was done to something that has this in its name.
            since: Only from this instant on.
            until: Only before this instant.
        """
        query = select(_TABLE).order_by(AuditEntries.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditEntries.seq < before)
        if who is not None:
            query = query.where(AuditEntries.who == who)
        if action is not None:
            below = AuditEntries.action.startswith(f"{action}.", autoescape=True)
            query = query.where((AuditEntries.action == action) | below)
        if allowed is not None:
            query = query.where(AuditEntries.allowed.is_(allowed))
        if subject is not None:
            query = query.where(AuditEntries.subject.contains(subject, autoescape=True))
        if since is not None:
            query = query.where(AuditEntries.at >= since)
        if until is not None:
            query = query.where(AuditEntries.at < until)
        return [AuditRow(**row._mapping) for row in self._connection.execute(query)]
