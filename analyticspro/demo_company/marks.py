"""What the demo keeps of itself: which story it is, and how far each system has recorded it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from analyticspro.errors import DefinitionError, SettingError

__all__ = ["Marks"]

_FORMAT = 1


@dataclass
class Marks:
    """Kept in `demo/story.json` of the home.

    Attributes:
        seed, events: What the story was begun with.
        first: Its present when it was begun.
        port: Where the partner platform answers.
        until: For each system, up to when its records were written.
        sizes: For each log, its size then, in bytes.
    """

    seed: int
    events: int
    first: datetime
    port: int
    until: dict[str, datetime] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Marks | None:
        """Return those of a demo that was begun; None if there is none.

        Raises:
            DefinitionError: It was begun by a newer version.
            SettingError: The file cannot be read.
        """
        file = folder / "story.json"
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            form = kept.pop("format")
            if form > _FORMAT:
                raise DefinitionError(f"{file} was written by a newer AnalyticsPro. Install that.")
            kept["first"] = datetime.fromisoformat(kept["first"])
            kept["until"] = {k: datetime.fromisoformat(v) for k, v in kept["until"].items()}
            return cls(**kept)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise SettingError(
                f"{file} cannot be read, so the demo's story cannot go on. Begin another: "
                "analyticspro --home DIR demo"
            ) from None

    def save(self, folder: Path) -> None:
        """Keep them, whole or not at all."""
        kept = {"format": _FORMAT, **asdict(self), "first": self.first.isoformat()}
        kept["until"] = {name: at.isoformat() for name, at in self.until.items()}
        draft = folder / "story.json.new"
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(kept, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(folder / "story.json")
