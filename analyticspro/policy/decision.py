"""Whether something is allowed, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from analyticspro.errors import Forbidden
from analyticspro.policy.table import Capability, Role, permission

__all__ = ["Decision", "decide"]


@dataclass(frozen=True)
class Decision:
    """An answer with its reason, for the screen and for the audit log."""

    allowed: bool
    reason: str

    def enforce(self) -> None:
        """Raise Forbidden unless it is allowed."""
        if not self.allowed:
            raise Forbidden(self.reason)


def decide(
    scopes: Collection[str],
    capability: Capability | None,
    *,
    holder: str,
    by_key: bool = False,
) -> Decision:
    """Return whether `holder` has `capability`.

    What names no capability is refused, whoever asks. The hub writes scopes out for their
    holder (`servers!user=ada` of `servers!user`); another's name in it gives nothing.

    Args:
        scopes: As the hub tells them of a person or a token.
        capability: What is asked for; None if whoever asks forgot to say.
        holder: The hub's name of the person.
        by_key: Whether an API key or a service asks, not a person's session.
    """
    if capability is None:
        return Decision(allowed=False, reason="Refused: what was asked for names no capability.")
    row = permission(capability)
    if row.only_keys and not by_key:
        return Decision(
            allowed=False,
            reason=f"Refused: {capability} is for API keys and services. Make a key that has it.",
        )
    if not all(_holds(scopes, scope, holder) for scope in row.scopes):
        return Decision(
            allowed=False,
            reason=f"Refused: {capability} ({row.title}) is for {_told(row.roles)}. "
            "An admin can change your role.",
        )
    return Decision(allowed=True, reason=f"Allowed by {', '.join(row.scopes)}.")


def _holds(scopes: Collection[str], wanted: str, holder: str) -> bool:
    """Whether `wanted` is held: as it stands, written out for `holder`, or without filter."""
    name, filtered, _ = wanted.partition("!user")
    if not filtered:
        return wanted in scopes
    return name in scopes or f"{wanted}={holder}" in scopes


def _told(roles: Collection[Role]) -> str:
    return ", ".join(f"{role}s" for role in Role if role in roles)
