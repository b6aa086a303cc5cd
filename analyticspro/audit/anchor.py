"""The head of the log, kept outside of the database, so that a cut tail is seen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from analyticspro.errors import SettingError
from analyticspro.secrets_store import private_files

__all__ = ["Anchor", "Head"]


@dataclass(frozen=True)
class Head:
    """The newest entry: its number, and the digest that proves all before it."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Return the head that was noted down as `NUMBER:DIGEST`."""
        number, _, digest = text.partition(":")
        if not number.isdecimal() or not digest:
            raise SettingError(
                f"{text!r} is no head of an audit log. Write NUMBER:DIGEST, as "
                "'analyticspro audit verify' prints it."
            )
        return cls(int(number), digest)


class Anchor:
    """A file with a head that was committed. A kill may leave it behind, never ahead."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Head | None:
        """Return what it holds; None if there is none yet."""
        content = private_files.read(self._file)
        if content is None:
            return None
        try:
            found = json.loads(content)
            return Head(int(found["seq"]), str(found["digest"]))
        except (ValueError, KeyError, TypeError):
            raise SettingError(
                f"{self._file} is damaged. Restore it from a backup; without it nobody can tell "
                "whether the newest entries of the audit log are there."
            ) from None

    def advance(self, head: Head) -> None:
        """Note `head`, unless another process noted a newer one."""
        with private_files.alone(self._file.parent):
            known = self.read()
            if known is None or known.seq < head.seq:
                private_files.replace(self._file, json.dumps(asdict(head)).encode())
