"""Links, sessions and strikes as they are stored, as one transaction sees them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from analyticspro.state.people_models import Links, Sessions, Strikes
from analyticspro.state.people_records import Link, LinkKind, Presence, SignedIn

__all__ = ["LinkTable", "SessionTable", "StrikeTable"]


class LinkTable:
    """One-time links that nobody has used yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, link: Link) -> None:
        """Store a link; those of the same kind made before for the same address end."""
        self.end(link.email, link.kind)
        self._connection.execute(insert(Links), [vars(link)])

    def end(self, email: str, kind: LinkKind | None = None) -> int:
        """End the links for an address, of one kind or all; return how many there were."""
        gone = delete(Links).where(Links.email == email)
        if kind is not None:
            gone = gone.where(Links.kind == kind)
        return self._connection.execute(gone).rowcount

    def end_of(self, person_id: int, email: str) -> None:
        """End all links of a person, and all for the address."""
        mine = (Links.person_id == person_id) | (Links.email == email)
        self._connection.execute(delete(Links).where(mine))

    def see(self, digest: str, kind: LinkKind, *, now: datetime) -> Link | None:
        """Return a link that still holds, without using it."""
        query = select(Links.__table__).where(
            Links.digest == digest, Links.kind == kind, Links.expires_at > now
        )
        found = self._connection.execute(query).one_or_none()
        return None if found is None else Link(**found._mapping)

    def use(self, digest: str, kind: LinkKind, *, now: datetime) -> Link | None:
        """Return a link that still holds, and end it: of several at once one gets it."""
        found = self.see(digest, kind, now=now)
        gone = self._connection.execute(delete(Links).where(Links.digest == digest))
        return found if found is not None and gone.rowcount == 1 else None

    def all(self, kind: LinkKind) -> list[Link]:
        """Return the links of a kind, those that have expired too, by address."""
        query = select(Links.__table__).where(Links.kind == kind).order_by(Links.email)
        return [Link(**row._mapping) for row in self._connection.execute(query)]

    def clear(self, *, now: datetime) -> None:
        """Forget what has expired."""
        self._connection.execute(delete(Links).where(Links.expires_at <= now))


class SessionTable:
    """Who is signed in, on which devices."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, **values: object) -> SignedIn:
        """Store a new session."""
        added = self._connection.execute(insert(Sessions).returning(Sessions.__table__), [values])
        return SignedIn(**added.one()._mapping)

    def find(self, digest: str) -> SignedIn | None:
        """Return the session of a token's digest; None if there is none, or no longer."""
        query = select(Sessions.__table__).where(Sessions.digest == digest)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else SignedIn(**found._mapping)

    def of(self, person_id: int) -> list[SignedIn]:
        """Return a person's sessions, the one used last first."""
        query = select(Sessions.__table__).where(Sessions.person_id == person_id)
        rows = self._connection.execute(query.order_by(Sessions.seen_at.desc(), Sessions.id.desc()))
        return [SignedIn(**row._mapping) for row in rows]

    def present(self, *, now: datetime, idle_since: datetime) -> dict[int, Presence]:
        """Return who is signed in, by number; not those whose sessions are over."""
        goes_on = (Sessions.expires_at > now) & (Sessions.seen_at > idle_since)
        query = select(Sessions.person_id, func.count(Sessions.id), func.max(Sessions.seen_at))
        rows = self._connection.execute(query.where(goes_on).group_by(Sessions.person_id))
        return {row[0]: Presence(row[1], row[2]) for row in rows}

    def touch(self, session_id: int, *, now: datetime) -> None:
        """Note that a session was used."""
        self._connection.execute(
            update(Sessions).where(Sessions.id == session_id).values(seen_at=now)
        )

    def end(self, person_id: int, *, session_id: int | None = None, but: int | None = None) -> int:
        """End a person's sessions; return how many there were.

        Args:
            person_id: Whose; another's session of that number stays.
            session_id: The only one to end; all of them if None.
            but: One to keep.
        """
        gone = delete(Sessions).where(Sessions.person_id == person_id)
        if session_id is not None:
            gone = gone.where(Sessions.id == session_id)
        if but is not None:
            gone = gone.where(Sessions.id != but)
        return self._connection.execute(gone).rowcount

    def clear(self, *, now: datetime, idle_since: datetime) -> None:
        """Forget sessions that have expired or were not used since `idle_since`."""
        over = (Sessions.expires_at <= now) | (Sessions.seen_at <= idle_since)
        self._connection.execute(delete(Sessions).where(over))


class StrikeTable:
    """How often somebody tried in vain."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(
        self, key: str, *, now: datetime, forget_after: timedelta
    ) -> tuple[int, datetime | None]:
        """Return how often `key` was struck of late, and until when it is locked.

        The row is kept from others until the transaction ends, so that of many tries at once
        each is counted.
        """
        self._make(key, now)
        query = select(Strikes.count.label("so_far"), Strikes.last_at, Strikes.locked_until)
        found = self._connection.execute(query.where(Strikes.key == key).with_for_update()).one()
        is_old = found.last_at + forget_after <= now
        return (0, None) if is_old else (found.so_far, found.locked_until)

    def set(self, key: str, count: int, *, now: datetime, locked_until: datetime | None) -> None:
        """Store what `count` told, one more."""
        self._connection.execute(
            update(Strikes)
            .where(Strikes.key == key)
            .values(count=count, last_at=now, locked_until=locked_until)
        )

    def forget(self, key: str) -> None:
        """Forget all strikes of `key`."""
        self._connection.execute(delete(Strikes).where(Strikes.key == key))

    def clear(self, *, before: datetime) -> None:
        """Forget strikes older than `before`."""
        self._connection.execute(delete(Strikes).where(Strikes.last_at <= before))

    def _make(self, key: str, now: datetime) -> None:
        if self._connection.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert as insert_new
        else:
            from sqlalchemy.dialects.postgresql import (  # type: ignore[assignment]
                insert as insert_new,
            )
        fresh = {"key": key, "count": 0, "last_at": now, "locked_until": None}
        self._connection.execute(insert_new(Strikes).values(fresh).on_conflict_do_nothing())
