"""Who may have a grant: everybody of a role, or one person."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyticspro.errors import DefinitionError
from analyticspro.policy import Role

__all__ = ["Holder"]

_USERNAME = re.compile(r"p[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Holder:
    """Everybody of a role, or one person.

    Attributes:
        kind: `role` or `person`.
        name: Of the role; the username of the person, such as `p12`.
    """

    kind: str
    name: str

    @classmethod
    def of_role(cls, role: Role) -> Holder:
        """Return everybody of a role."""
        return cls("role", str(role))

    @classmethod
    def of_person(cls, username: str) -> Holder:
        """Return one person; raises DefinitionError if this is no username."""
        if _USERNAME.fullmatch(username) is None:
            raise DefinitionError(f"{username!r} is no username. Write one such as p12.")
        return cls("person", username)

    @classmethod
    def parse(cls, text: str) -> Holder:
        """Return the holder that `str` has written.

        >>> Holder.parse("role:viewer")
        Holder(kind='role', name='viewer')
        """
        kind, _, name = text.partition(":")
        return cls.of_role(Role.of(name)) if kind == "role" else cls.of_person(name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"
