"""Where the key is kept that the secrets are sealed with: a file beside them, or a keyring."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from analyticspro.errors import SettingError
from analyticspro.secrets_store import private_files

__all__ = ["KeyFile", "KeyPlace", "KeyRing", "Keys"]

_SERVICE = "analyticspro"
# What the library `keyring` ranks below is a stand-in, such as a file in the clear.
_LOWEST_REAL_RANK = 1


class KeyPlace(StrEnum):
    """Where the key is kept."""

    FILE = "file"
    """In the home, mode 0600: works everywhere, services included."""
    KEYRING = "keyring"
    """In the system's keyring, which opens when its owner signs in."""


class Keys(Protocol):
    """A place that keeps keys, the one to seal with first."""

    def read(self) -> list[bytes]:
        """Return the keys; none if there is none yet."""

    def write(self, keys: Sequence[bytes]) -> None:
        """Keep these keys and no others."""

    def forget(self) -> None:
        """Keep none."""

    def __str__(self) -> str:
        """Return where that is, for a message."""


class KeyFile:
    """Keys in a file, one a line."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[bytes]:
        """Return the keys; raises SettingError if others could read them."""
        return (private_files.read(self._file) or b"").split()

    def write(self, keys: Sequence[bytes]) -> None:
        """Keep these keys and no others."""
        private_files.replace(self._file, b"\n".join(keys) + b"\n")

    def forget(self) -> None:
        """Keep none."""
        self._file.unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self._file)


class KeyRing:
    """Keys in the system's keyring, under a name that is this store's alone."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._backend, self._errors = _backend()

    def read(self) -> list[bytes]:
        """Return the keys; raises SettingError if the keyring does not open."""
        try:
            text: str | None = self._backend.get_password(_SERVICE, self._store)
        except self._errors as error:
            raise self._closed(error) from None
        return (text or "").encode().split()

    def write(self, keys: Sequence[bytes]) -> None:
        """Keep these keys and no others."""
        try:
            self._backend.set_password(_SERVICE, self._store, b" ".join(keys).decode())
        except self._errors as error:
            raise self._closed(error) from None

    def forget(self) -> None:
        """Keep none."""
        try:
            if self._backend.get_password(_SERVICE, self._store) is not None:
                self._backend.delete_password(_SERVICE, self._store)
        except self._errors as error:
            raise self._closed(error) from None

    def __str__(self) -> str:
        return f"the system's keyring, as {_SERVICE!r} for {self._store!r}"

    def _closed(self, error: Exception) -> SettingError:
        return SettingError(
            f"The system's keyring does not open ({error or type(error).__name__}). Sign in to "
            "the desktop of the account that owns the workspace, or keep the key in the home: "
            "'analyticspro secrets rotate-key --keep-in file', once it opens."
        )


def _backend() -> tuple[Any, type[Exception]]:
    """Return the keyring of this system, and what it raises."""
    try:
        # An extra, so it is not among what the library may import by name.
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ModuleNotFoundError:
        raise SettingError(
            "The key is to be in the system's keyring, and the package that speaks to it is not "
            "installed. Run: pip install 'analyticspro[keyring]'"
        ) from None
    backend = keyring.get_keyring()
    if backend.priority < _LOWEST_REAL_RANK:
        raise SettingError(
            "This session has no keyring that keeps secrets safe "
            f"(the best is {type(backend).__module__}). Work where there is one, such as the "
            "desktop of the account that owns the workspace; or, from there, keep the key in the "
            "home: 'analyticspro secrets rotate-key --keep-in file'."
        )
    return backend, errors.KeyringError
