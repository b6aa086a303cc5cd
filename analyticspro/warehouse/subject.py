"""Whom an erasure is about."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from hashlib import pbkdf2_hmac

from analyticspro.errors import DefinitionError

__all__ = ["Subject"]

_ROUNDS = 200_000  # a tenth of a second: who has the receipt should not find the id by trying


@dataclass(frozen=True)
class Subject:
    """A person, by the ids that events name them with.

    Attributes:
        customers: Values of `customer_id`.
        users: Values of `user_id`.
    """

    customers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.ids or not all(self.ids):
            raise DefinitionError(
                "An erasure needs the id of a person: a customer_id, a user_id, or both. "
                "'analyticspro erase --help' tells how."
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids."""
        return self.customers + self.users

    def values(self) -> dict[str, list[str]]:
        """Return the ids as values to bind."""
        return {"customers": list(self.customers), "users": list(self.users)}

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Subject:
        """Return the subject that `to_json` wrote."""
        told = json.loads(text)
        return cls(tuple(told["customers"]), tuple(told["users"]))

    def sealed(self, salt: str | None = None) -> str:
        """Return what tells whether somebody was erased, to whoever knows their ids already.

        >>> ann, user = Subject(customers=("ann",)), Subject(users=("ann",))
        >>> ann.is_sealed_in(ann.sealed()), user.is_sealed_in(ann.sealed())
        (True, False)
        """
        salt = salt or secrets.token_hex(8)
        text = json.dumps([sorted(self.customers), sorted(self.users)])
        hashed = pbkdf2_hmac("sha256", text.encode(), bytes.fromhex(salt), _ROUNDS)
        return f"pbkdf2-sha256:{_ROUNDS}:{salt}:{hashed.hex()}"

    def is_sealed_in(self, seal: str) -> bool:
        """Tell whether `seal` is of this subject."""
        return self.sealed(seal.split(":")[2]) == seal
