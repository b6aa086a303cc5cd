"""Stands in for the library `keyring` and the keyring of a desktop: a folder of files.

It is put where a process finds it as `keyring`; `RANK` and `CLOSED` are told by the environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType


class KeyringError(Exception):
    """It does not open."""


errors = ModuleType("keyring.errors")
errors.KeyringError = KeyringError  # type: ignore[attr-defined]
sys.modules[f"{__name__}.errors"] = errors
__path__: list[str] = []


class Backend:
    priority = float(os.environ.get("RANK", "5"))

    def _file(self, service: str, name: str) -> Path:
        if os.environ.get("CLOSED"):
            raise KeyringError("locked")
        return Path(os.environ["KEYS"]) / f"{service} {name}"

    def get_password(self, service: str, name: str) -> str | None:
        file = self._file(service, name)
        return file.read_text() if file.exists() else None

    def set_password(self, service: str, name: str, password: str) -> None:
        self._file(service, name).write_text(password)

    def delete_password(self, service: str, name: str) -> None:
        self._file(service, name).unlink()


def get_keyring() -> Backend:
    return Backend()
