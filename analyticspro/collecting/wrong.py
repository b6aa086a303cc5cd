"""What is wrong with one message."""

from __future__ import annotations

from typing import Any

from analyticspro.collecting.body import flawed_text

__all__ = ["Wrong", "shown"]

_LONGEST_SHOWN = 200


class Wrong(Exception):
    """One message cannot become an event. It is set aside, the rest of the batch goes on.

    `field` is None for the message as a whole, `value` (as text) where nothing was given.
    """

    def __init__(self, field: str | None, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.value = value
        self.reason = reason

    @property
    def told(self) -> tuple[str | None, str | None, str]:
        """Field, value and reason."""
        return self.field, self.value, self.reason


def shown(value: Any) -> str | None:
    """Return a value from a message as a person is shown it: not all of it, if it is long."""
    if value is None:
        return None
    written = value if isinstance(value, str) else flawed_text(value)
    return written.encode("utf-8", "backslashreplace").decode()[:_LONGEST_SHOWN]
