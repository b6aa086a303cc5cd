"""Receipts of who was erased, wherever they are kept: what an older backup does not know of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analyticspro import logs
from analyticspro.config import Home

__all__ = ["FOLDER", "read", "since"]

FOLDER = "erasures"


def read(home: Home) -> list[tuple[Path, dict[str, Any]]]:
    """Return the home's receipts with their files, the oldest first; the log names bad ones."""
    found = []
    for file in _of(home.path):
        try:
            receipt = json.loads(file.read_text(encoding="utf-8"))
            is_one = {"subject", "by", "reason"} <= receipt.keys()
        except (OSError, ValueError, AttributeError):
            is_one = False
        if is_one:
            found.append((file, receipt))
        else:
            logs.warning("keeping", reason=f"{file} is no receipt of an erasure")
    return found


def since(home: Home, backup: Path, held: Iterable[str]) -> list[Path]:
    """Return the receipts of erasures that are known somewhere near, but not to a backup.

    That is in the home, in its backups and what was set aside in restores, and in the backups
    that lie beside the one to be restored.

    Args:
        home: What is to be restored.
        backup: From where.
        held: Names of the files in it.
    """
    own = home.path / "backups"
    places = [home.path, *sorted(own.glob("*/")), *sorted(backup.absolute().parent.glob("*/"))]
    found = {file.name: file for place in places for file in _of(place)}
    for name in held:
        found.pop(name.removeprefix(f"{FOLDER}/"), None)
    return [found[name] for name in sorted(found)]


def _of(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("*.json"))
