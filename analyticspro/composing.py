"""Whether this process composes a notebook: finds out which page it declares, without any data.

The page server composes each version of a notebook once, for all viewers alike, so the process
that does it may see nothing that only some of them may. What it is refused it is refused here,
and remembered: a notebook that catches the error is found out all the same.
"""

from __future__ import annotations

from typing import NoReturn

from analyticspro.config import environment
from analyticspro.errors import NotDeclared

__all__ = ["VARIABLE", "is_on", "reasons", "refuse"]

VARIABLE = "ANALYTICSPRO_COMPOSING"
_REASONS: list[str] = []


def is_on() -> bool:
    """Return whether this process composes."""
    return environment().get(VARIABLE) == "1"


def refuse(reason: str) -> NoReturn:
    """Raise NotDeclared for a reason that the notebook's author is told.

    Args:
        reason: What the notebook does, such as `it reads data in Python`.
    """
    _REASONS.append(reason)
    raise NotDeclared(f"The notebook does more than declare a page: {reason}.")


def reasons() -> tuple[str, ...]:
    """Return what was refused in this process so far."""
    return tuple(_REASONS)
