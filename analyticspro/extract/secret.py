"""A secret that is known by its name; the value is asked for when it is needed."""

from __future__ import annotations

import re
from typing import Protocol

from analyticspro.errors import SettingError

__all__ = ["Secret", "Secrets"]


class Secrets(Protocol):
    """Where the secrets of sources are kept."""

    def get(self, source: str, name: str) -> str:
        """Return the secret; raises SettingError, which says how to set it, if there is none."""


class Secret:
    """One secret of a source. Nothing but `value` gives it away."""

    def __init__(self, secrets: Secrets, source: str, name: str) -> None:
        self._secrets = secrets
        self._source = source
        self._name = name
        self._value: str | None = None

    @property
    def value(self) -> str:
        """The secret, asked for once.

        Raises:
            SettingError: There is none, or no header could hold it.
        """
        if self._value is None:
            self._value = self._checked()
        return self._value

    @property
    def cure(self) -> str:
        """What sets another value."""
        return f"Set a new one: analyticspro secrets set {self._source}.{self._name}"

    def renew(self) -> bool:
        """Ask again; return whether it has been changed since, as by a rotation."""
        before, self._value = self._value, self._checked()
        return before != self._value

    def _checked(self) -> str:
        value = self._secrets.get(self._source, self._name)
        if re.fullmatch(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", value) is None:
            raise SettingError(
                f"Secret '{self._source}.{self._name}' is empty, or holds a line break, a blank at "
                f"an end, or what is not ASCII, so no request can carry it. {self.cure}"
            )
        return value

    def __repr__(self) -> str:
        return f"Secret({self._source}.{self._name})"
