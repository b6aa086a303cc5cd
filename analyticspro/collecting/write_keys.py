"""Write keys: who may send events, kept in the home and valid without any other service.

`write_keys.json`, mode 0600, holds of each key its SHA-256 only: a key is 256 random bits, so
nothing slower is needed to keep it from being guessed. The secret of a key that signs has to
stand there as it is, as signatures cannot be checked otherwise.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from analyticspro.config import Home
from analyticspro.errors import DefinitionError, SettingError, UnknownName
from analyticspro.events import OWN_SOURCE
from analyticspro.secrets_store import private_files

__all__ = ["MadeKey", "WriteKey", "WriteKeys"]

_FORMAT = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]+)?")
_PREFIX = "wk_"
_MOST_KEYS = 1_000
_LOOK_EVERY_S = 0.1  # thousands of requests a second need not each ask the disk


@dataclass(frozen=True)
class WriteKey:
    """What is known of a key; it can write events of one source, and nothing else.

    Attributes:
        name: How people call it.
        source: The source that its events belong to.
        digest: SHA-256 of the key, in hexadecimal.
        created_at: ISO 8601, UTC.
        rate: Most events a second, on average; None for no limit.
        origins: The web origins that browsers may send from, or `*` for any; none if empty.
        secret: What its deliveries have to be signed with; None if they need not be.
    """

    name: str
    source: str
    digest: str
    created_at: str
    rate: float | None = None
    origins: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)

    def allows(self, origin: str) -> bool:
        """Tell whether a browser may send from `origin`."""
        return origin in self.origins or "*" in self.origins


@dataclass(frozen=True)
class MadeKey:
    """A new key. This is the only time that its text, and its secret, are to be had."""

    key: WriteKey
    text: str = field(repr=False)


class WriteKeys:
    """The keys of a home. What a command changes in another process is seen within 0.1 s."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._looked_at = float("-inf")
        self._by_digest: dict[str, WriteKey] = {}
        self._origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, home: Home) -> WriteKeys:
        """Return the keys of `home`; nothing is made or read before it is needed."""
        return cls(home.path / "write_keys.json")

    def find(self, text: str) -> WriteKey | None:
        """Return the key that is written so, None if there is none, or no longer.

        Raises:
            SettingError: The file cannot be read, or others could read it.
        """
        self._refresh()
        return self._by_digest.get(_digest(text))

    def allows(self, origin: str) -> bool:
        """Tell whether a browser may send from `origin` with any key at all."""
        self._refresh()
        return origin in self._origins or "*" in self._origins

    def all(self) -> list[WriteKey]:
        """Return all keys, by name."""
        self._refresh()
        return sorted(self._by_digest.values(), key=lambda key: key.name)

    def create(
        self,
        name: str,
        *,
        source: str | None = None,
        rate: float | None = None,
        origins: Sequence[str] = (),
        is_signed: bool = False,
        now: datetime,
    ) -> MadeKey:
        """Make a key and keep it.

        Args:
            name: What people will call it.
            source: The source that its events belong to; of the same name if None.
            rate: Most events a second, above 0; None for no limit.
            origins: Web origins such as https://shop.example, or `*`.
            is_signed: Whether its deliveries have to be signed.
            now: When that is, UTC.

        Raises:
            DefinitionError: A name, the rate or an origin cannot be used.
            SettingError: The file cannot be read or written.
        """
        source = source or name
        for kind, given in (("key", name), ("source", source)):
            if _NAME.fullmatch(given) is None:
                raise DefinitionError(
                    f"{given!r} cannot name a {kind}. Use small letters, digits and underscores, "
                    "60 at most, and a letter first."
                )
        if source == OWN_SOURCE:
            raise DefinitionError(
                f"{OWN_SOURCE} is what the workspace tells of itself; name another source."
            )
        if rate is not None and not 0 < rate < 1e9:
            raise DefinitionError(f"A rate of {rate} events a second cannot be used.")
        text = _PREFIX + secrets.token_urlsafe(32)
        key = WriteKey(
            name,
            source,
            _digest(text),
            now.isoformat(timespec="seconds"),
            rate,
            tuple(_origin(given) for given in origins),
            secrets.token_urlsafe(32) if is_signed else None,
        )
        with self._changed() as keys:
            if name in keys:
                raise DefinitionError(
                    f"There is a write key {name!r} already. Choose another name, or revoke it "
                    f"first: analyticspro keys revoke {name}"
                )
            if len(keys) >= _MOST_KEYS:
                raise DefinitionError(
                    f"There are {_MOST_KEYS:,} write keys, the most there may be."
                )
            keys[name] = key
        return MadeKey(key, text)

    def revoke(self, name: str) -> None:
        """Forget a key: from now on it opens nothing. Raises UnknownName if it is not there."""
        with self._changed() as keys:
            if name not in keys:
                raise UnknownName.of("write key", name, keys)
            del keys[name]

    @contextmanager
    def _changed(self) -> Iterator[dict[str, WriteKey]]:
        try:
            with private_files.alone(self._file.parent):
                self._forget()
                keys = {key.name: key for key in self.all()}
                yield keys
                listed = [asdict(keys[name]) for name in sorted(keys)]
                content = json.dumps({"format": _FORMAT, "keys": listed}, indent=1)
                private_files.replace(self._file, content.encode() + b"\n")
        except OSError as error:
            raise SettingError(
                f"{self._file} cannot be written: {error.strerror}. The keys are as they were."
            ) from None
        self._forget()

    def _forget(self) -> None:
        self._seen, self._looked_at = None, float("-inf")

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            found = self._file.stat()
        except OSError:
            seen = None
        else:
            seen = (found.st_ino, found.st_mtime_ns, found.st_mode)
        if seen is not None and seen == self._seen:
            return
        keys = _parsed(self._file, private_files.read(self._file))
        self._by_digest = {key.digest: key for key in keys}
        self._origins = frozenset(origin for key in keys for origin in key.origins)
        self._seen = seen


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _parsed(file: Path, content: bytes | None) -> list[WriteKey]:
    if content is None:
        return []
    try:
        found = json.loads(content)
        if found["format"] > _FORMAT:
            raise SettingError(f"{file} was written by a newer AnalyticsPro. Install that again.")
        return [
            WriteKey(**{**entry, "origins": tuple(entry["origins"])}) for entry in found["keys"]
        ]
    except (ValueError, KeyError, TypeError):
        raise SettingError(
            f"{file} is damaged. Restore it from a backup, or delete it and make new keys."
        ) from None


def _origin(given: str) -> str:
    """Return a web origin as browsers write it: scheme and host, and the port if it has one."""
    if given == "*":
        return given
    try:
        parts = urlsplit(given)
        is_whole = (
            parts.scheme in ("http", "https")
            and _HOST.fullmatch(parts.netloc) is not None
            and parts.port != 0
        )
    except ValueError:
        is_whole = False
    if not is_whole or given.rstrip("/").lower() != f"{parts.scheme}://{parts.netloc}".lower():
        raise DefinitionError(
            f"{given!r} is not a web origin. Write scheme and host, such as https://shop.example."
        )
    return given.rstrip("/").lower()
