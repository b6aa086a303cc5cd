"""API keys of people: the hub's own tokens, with a chosen part of their owner's capabilities."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub import orm

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.policy import Capability, Role, capabilities_of, permission

__all__ = ["Key", "Keys", "may_be_given"]

_LONGEST_NAME = 60
_LONGEST_LIFE = timedelta(days=366)
_MOST = 50  # of one person
_BY_HAND = "jupyterhub"  # the hub's name for a token that is nobody's session


@dataclass(frozen=True)
class Key:
    """A key, without its text, of which the hub keeps a digest.

    Attributes:
        owner: The hub's name of whose it is.
        name: What its owner calls it.
        allows: What it may do, as far as its owner may; None if whatever its owner may.
    """

    number: int
    owner: str
    name: str
    allows: tuple[Capability, ...] | None
    made_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


def may_be_given(role: Role) -> list[Capability]:
    """Return what a person of `role` may give to a key, in the order of the table.

    Not the own account: a key that makes keys would outlive its own end.
    """
    held = capabilities_of(role) - {Capability.OWN_ACCOUNT}
    return [one for one in Capability if one in held]


class Keys:
    """The keys in the hub's database; used in the hub's event loop alone, as that is."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def all(self, owner: str | None = None) -> list[Key]:
        """Return the keys of one person, or of everybody, the newest first."""
        return [_key(row) for row in self._rows(owner)]

    def make(
        self,
        user: Any,
        role: Role,
        name: str,
        capabilities: Collection[str],
        life: timedelta,
    ) -> tuple[Key, str]:
        """Make a key; its text is to be had this once.

        Args:
            user: The hub's user whose it is.
            role: The owner's.
            name: What its owner calls it.
            capabilities: What it may do.
            life: How long it works.

        Raises:
            DefinitionError: It has no name, does nothing, or more than its owner may.
        """
        called, given = _called(name), _given(role, capabilities)
        if not timedelta(seconds=1) <= life <= _LONGEST_LIFE:
            raise DefinitionError("A key works for a year at most. Choose when it ends.")
        if len(self._rows(user.name)) >= _MOST:
            raise DefinitionError(f"You have {_MOST} keys, the most there may be. Revoke one.")
        text = user.new_api_token(
            note=called,
            scopes=[scope for one in given for scope in permission(one).scopes],
            expires_in=int(life.total_seconds()),
        )
        return _key(orm.APIToken.find(self._db, text)), str(text)

    def get(self, number: int, owner: str | None = None) -> Key:
        """Return a key, of one person or of anybody; raises UnknownName."""
        found = [row for row in self._rows(owner) if row.id == number]
        if not found:
            known = [str(row.id) for row in self._rows(owner)]
            raise UnknownName.of("key", str(number), known)
        return _key(found[0])

    def revoke(self, key: Key) -> None:
        """End a key: the hub refuses it from now on, services within 10 s."""
        self._db.delete(self._db.get(orm.APIToken, key.number))
        self._db.commit()

    def _rows(self, owner: str | None) -> Sequence[Any]:
        query = self._db.query(orm.APIToken).filter(
            orm.APIToken.user_id.is_not(None),
            orm.APIToken.session_id.is_(None),
            orm.APIToken.client_id == _BY_HAND,
        )
        rows = query.order_by(orm.APIToken.id.desc()).all()
        return [row for row in rows if not row.expired and owner in (None, row.user.name)]


def _called(name: str) -> str:
    called = " ".join(name.split())
    if not called.isprintable() or not 0 < len(called) <= _LONGEST_NAME:
        raise DefinitionError(f"A key needs a name of 1 to {_LONGEST_NAME} characters.")
    return called


def _given(role: Role, capabilities: Collection[str]) -> list[Capability]:
    given = [one for one in may_be_given(role) if one in capabilities]
    if not given or len(given) < len(set(capabilities)):
        raise DefinitionError("Choose what the key may do, of what you may do yourself.")
    return given


def _key(row: Any) -> Key:
    scopes = {scope.partition("=")[0] for scope in row.scopes}
    allows = tuple(one for one in Capability if scopes.issuperset(permission(one).scopes))
    return Key(
        row.id,
        row.user.name,
        row.note or "without a name",
        None if "inherit" in scopes else allows,
        _instant(row.created),
        _instant(row.last_activity) if row.last_activity else None,
        _instant(row.expires_at) if row.expires_at else None,
    )


def _instant(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)  # the hub's are UTC, and do not say so
