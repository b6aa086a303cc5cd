"""Who persons are at a provider, as one transaction sees it."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from analyticspro.state.people_models import Identities

__all__ = ["IdentityTable"]


class IdentityTable:
    """Providers' names for persons; each belongs to one person, removed persons' too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, issuer: str, subject: str) -> int | None:
        """Return the number of who is called so; None if nobody ever was."""
        query = select(Identities.person_id).where(
            Identities.issuer == issuer, Identities.subject == subject
        )
        return self._connection.scalar(query)

    def is_known(self, person_id: int, issuer: str | None = None) -> bool:
        """Whether a person has a name at a provider, or at any."""
        query = select(Identities.subject).where(Identities.person_id == person_id)
        if issuer is not None:
            query = query.where(Identities.issuer == issuer)
        return self._connection.scalar(query.limit(1)) is not None

    def put(self, issuer: str, subject: str, person_id: int) -> None:
        """Let a name be a person's, whosever it was."""
        mine = (Identities.issuer == issuer) & (Identities.subject == subject)
        self._connection.execute(delete(Identities).where(mine))
        row = {"issuer": issuer, "subject": subject, "person_id": person_id}
        self._connection.execute(insert(Identities), [row])
