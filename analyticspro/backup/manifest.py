"""What a backup holds, so that it can be told whether it holds that still."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from analyticspro.errors import SourceError

__all__ = ["Entry", "Manifest"]

_FORMAT = 1
_NAME = "manifest.json"


@dataclass(frozen=True)
class Entry:
    """One file: its bytes, and their SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup is of.

    Attributes:
        made_at: When, UTC.
        program: Version of AnalyticsPro that made it.
        revision: Of the warehouse's last commit.
        files: By their path within the home.
    """

    made_at: datetime
    program: str
    revision: int
    files: dict[str, Entry]

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(entry.size for entry in self.files.values())

    def write(self, folder: Path) -> None:
        """Write it beside the files."""
        told = asdict(self) | {"format": _FORMAT, "made_at": self.made_at.isoformat()}
        (folder / _NAME).write_text(json.dumps(told, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return the manifest of the backup in `folder`.

        Raises:
            SourceError: There is none, or it is of another format.
        """
        try:
            told: dict[str, Any] = json.loads((folder / _NAME).read_text(encoding="utf-8"))
            if told["format"] != _FORMAT:
                raise SourceError(
                    f"The backup in {folder} has format {told['format']}; this AnalyticsPro reads "
                    f"{_FORMAT}. Restore it with the version that made it: {told['program']}."
                )
            return cls(
                datetime.fromisoformat(told["made_at"]),
                told["program"],
                told["revision"],
                {name: Entry(**entry) for name, entry in told["files"].items()},
            )
        except FileNotFoundError:
            raise SourceError(
                f"{folder} is no backup: it has no {_NAME}. Name a folder that "
                "'analyticspro backup' made."
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"The manifest in {folder} cannot be read ({error}). Restore another backup."
            ) from None
