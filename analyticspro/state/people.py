"""Persons as they are stored, as one transaction sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from analyticspro.errors import UnknownName
from analyticspro.state.people_models import People
from analyticspro.state.people_records import Person, Standing

__all__ = ["PeopleTable"]

_TABLE = People.__table__
_THERE = People.removed_at.is_(None)


class PeopleTable:
    """Reads and changes persons; those who were removed are not found."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Person]:
        """Return everybody, by e-mail address."""
        query = select(_TABLE).where(_THERE).order_by(People.email)
        return [Person(**row._mapping) for row in self._connection.execute(query)]

    def find(self, email: str) -> Person | None:
        """Return who has this normalised address; None if nobody."""
        query = select(_TABLE).where(_THERE, People.email == email)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else Person(**found._mapping)

    def get(self, person_id: int, *, lock: bool = False) -> Person | None:
        """Return a person; None if there is no such, or no longer.

        Args:
            person_id: The person's number.
            lock: Keep others from changing the person until the transaction ends.
        """
        query = select(_TABLE).where(_THERE, People.id == person_id)
        found = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if found is None else Person(**found._mapping)

    def named(self, email: str) -> Person:
        """Return who has this normalised address; raises UnknownName."""
        found = self.find(email)
        if found is None:
            known = self._connection.scalars(select(People.email).where(_THERE))
            raise UnknownName.of("person", email, known)
        return found

    def add(self, **values: Any) -> Person | None:
        """Store a new person; return None if the address is somebody's already."""
        try:
            with self._connection.begin_nested():
                added = self._connection.execute(insert(People).returning(_TABLE), [values])
                return Person(**added.one()._mapping)
        except IntegrityError:  # of the address: nothing else here can clash
            return None

    def change(self, person_id: int, *, now: datetime, **values: Any) -> None:
        """Change some columns of a person."""
        row = People.id == person_id
        self._connection.execute(update(People).where(row).values(**values, changed_at=now))

    def lock_with_role(self, role: str) -> list[int]:
        """Return who is active with `role`, kept from changing until the transaction ends.

        Two transactions that each take one of the last two away wait for each other here.
        """
        query = select(People.id).where(
            _THERE, People.role == role, People.standing == Standing.ACTIVE
        )
        return list(self._connection.scalars(query.order_by(People.id).with_for_update()))

    def has_role(self, role: str) -> bool:
        """Whether anybody is active with `role`."""
        query = select(func.count(People.id)).where(
            _THERE, People.role == role, People.standing == Standing.ACTIVE
        )
        return bool(self._connection.scalar(query))
