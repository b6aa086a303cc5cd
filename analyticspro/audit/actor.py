"""Who does something, and from where."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Actor"]


@dataclass(frozen=True)
class Actor:
    """Whoever is named in an entry.

    Attributes:
        name: A person's username (`p12`: entries outlive persons, so they hold no names), a
            service's name, or `anonymous`.
        origin: A network address, or `command line`.
    """

    name: str
    origin: str

    @classmethod
    def anonymous(cls, origin: str) -> Actor:
        """Return somebody who has not signed in."""
        return cls("anonymous", origin)
