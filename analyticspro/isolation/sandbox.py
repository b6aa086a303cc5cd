"""What a sandbox holds: the declaration that everything else here follows."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import analyticspro
from analyticspro.errors import DefinitionError

__all__ = ["Sandbox"]


@dataclass(frozen=True)
class Sandbox:
    """Where one person's code runs, and all it can reach.

    Attributes:
        person: Whose code it is; what programs inside are told the user is called.
        folder: That person's folder, the only one that can be written and is kept.
        uid: What the code runs as outside, where it is started by root; None otherwise.
        reaches: Ports of the sandbox's own loopback that lead out, each to one host and port.
        serves: Port of the host's loopback that leads in, to the same port inside; None for
            no way in.
        shows: Folders that can be read besides the system's programs and this Python's.
        hides: Folders that stay empty wherever they lie, such as the workspace's home.
    """

    person: str
    folder: Path
    uid: int | None = None
    reaches: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    serves: int | None = None
    shows: Sequence[Path] = ()
    hides: Sequence[Path] = ()

    def __post_init__(self) -> None:
        if (os.geteuid() == 0) != (self.uid is not None):
            raise DefinitionError(
                f"Sandbox of {self.person!r}: an own uid is {self.uid}. Started by root it needs "
                "one, started by anybody else it cannot have one."
            )
        if self.uid == 0:
            raise DefinitionError(f"Sandbox of {self.person!r}: its uid cannot be that of root.")
        if self.serves is not None and self.serves in self.reaches:
            raise DefinitionError(
                f"Sandbox of {self.person!r}: port {self.serves} cannot lead both in and out."
            )

    @property
    def home(self) -> Path:
        """Where the person's folder is seen inside."""
        return Path("/home") / self.account

    @property
    def account(self) -> str:
        """The person's name in a form that every program takes for that of an account.

        >>> Sandbox("ada@example.org", Path("/x"), uid=1 if os.geteuid() == 0 else None).account
        'ada-example-org'
        """
        return re.sub(r"[^a-z0-9_]+", "-", self.person.casefold()).strip("-")[:32] or "person"

    @property
    def readable(self) -> list[Path]:
        """The folders of this Python and its packages, and those shown besides; none twice."""
        # The program is found as it was called, since the environment is told by that.
        package = Path(analyticspro.__file__).parent
        wanted = [Path(sys.prefix), Path(sys.base_prefix), package, *self.shows]
        found: list[Path] = []
        for path in sorted({one.resolve() for one in wanted}):
            if not any(path.is_relative_to(other) for other in [Path("/usr"), *found]):
                found.append(path)
        return found

    def command(self, program: Sequence[str]) -> list[str]:
        """Return what starts `program` in the sandbox; its environment is what it is given.

        It ends with the program's exit code (128 and the number of the signal that ended it;
        125 if there is no sandbox). Ended itself, in order or by force, it takes all that runs
        in the sandbox with it.
        """
        return [sys.executable, "-I", "-m", "analyticspro.isolation", self.to_json(), *program]

    def to_json(self) -> str:
        """Return it as text that `from_json` reads."""
        return json.dumps(
            {
                "person": self.person,
                "folder": str(self.folder),
                "uid": self.uid,
                "reaches": {str(port): place for port, place in self.reaches.items()},
                "serves": self.serves,
                "shows": [str(path) for path in self.shows],
                "hides": [str(path) for path in self.hides],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Sandbox:
        """Return what `to_json` was made from."""
        told = json.loads(text)
        return cls(
            person=told["person"],
            folder=Path(told["folder"]),
            uid=told["uid"],
            reaches={int(port): (host, to) for port, (host, to) in told["reaches"].items()},
            serves=told["serves"],
            shows=[Path(path) for path in told["shows"]],
            hides=[Path(path) for path in told["hides"]],
        )
