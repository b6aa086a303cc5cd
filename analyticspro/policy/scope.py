"""Who is asking: the scope that every read of the warehouse is given.

At this stage there is one scope, the owner of the home, who sees everything; data policies
(permissions.md) widen it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OWNER", "Scope"]


@dataclass(frozen=True)
class Scope:
    """What one caller may see.

    Attributes:
        name: Shown in provenance: under which policy the figure was computed.
    """

    name: str


OWNER = Scope(name="owner")
