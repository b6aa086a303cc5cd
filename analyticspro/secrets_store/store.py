"""The sealed store: what is in it, and how it stays readable whatever happens.

A folder `secrets` of the home holds two files, both mode 0600:

    values   the secrets, sealed: nothing of them, names included, can be read without a key
    key      what they are sealed with, unless the system's keyring keeps it

Sealed is Fernet (AES-128-CBC with HMAC-SHA256): what was changed does not open.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from analyticspro.config import Home
from analyticspro.errors import SettingError, UnknownName
from analyticspro.secrets_store import private_files
from analyticspro.secrets_store.keys import KeyFile, KeyPlace, KeyRing, Keys

__all__ = ["Kept", "Secrets", "split"]

_FORMAT = 1
_WORD = r"[a-z][a-z0-9_]{0,59}"
_LONGEST = 1 << 16  # characters; the longest in use are service accounts of 3,000


@dataclass(frozen=True)
class Kept:
    """A secret that is kept; of its value nothing is told.

    Attributes:
        name: `source.name`.
        set_at: When it was set, UTC.
    """

    name: str
    set_at: datetime


@dataclass(frozen=True)
class _Envelope:
    """The file `values` as it stands."""

    store: str
    place: KeyPlace
    sealed: bytes


class Secrets:
    """The secrets of a home's sources. Each call sees what other processes have set."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._values = folder / "values"
        self._key_file = KeyFile(folder / "key")

    @classmethod
    def open(cls, home: Home) -> Secrets:
        """Return the secrets of `home`; nothing is made or read before it is needed."""
        return cls(home.path / "secrets")

    def __repr__(self) -> str:
        return f"Secrets({str(self._folder)!r})"

    def get(self, source: str, name: str) -> str:
        """Return the value of a secret.

        Raises:
            SettingError: It is not set, or the store cannot be read.
        """
        wanted = f"{source}.{name}"
        found = self._read().get(wanted)
        if found is None:
            raise SettingError(f"No secret {wanted!r}. Set it: analyticspro secrets set {wanted}")
        return str(found["value"])

    def names(self) -> list[Kept]:
        """Return which secrets are kept, by name."""
        entries = self._read()
        return [Kept(name, datetime.fromisoformat(entries[name]["at"])) for name in sorted(entries)]

    def set(self, source: str, name: str, value: str, *, now: datetime) -> bool:
        """Keep a secret; return whether it takes the place of an earlier value.

        Args:
            source: The source it belongs to.
            name: What the source calls it.
            value: Any text but an empty one.
            now: When that is, UTC.

        Raises:
            SettingError: A name or the value cannot be used, or the store cannot be written.
        """
        full = ".".join(split(f"{source}.{name}"))
        _check(full, value)
        with self._written() as (envelope, entries):
            was_there = full in entries
            entries[full] = {"value": value, "at": now.isoformat()}
            self._write(envelope, entries)
        return was_there

    def remove(self, source: str, name: str) -> None:
        """Forget a secret; raises UnknownName if it is not kept."""
        full = f"{source}.{name}"
        if not self._values.exists():
            raise UnknownName.of("secret", full, [])
        with self._written() as (envelope, entries):
            if full not in entries:
                raise UnknownName.of("secret", full, entries)
            del entries[full]
            self._write(envelope, entries)

    def rotate_key(self, *, keep_in: KeyPlace | None = None) -> KeyPlace:
        """Seal everything with a new key; return where that is kept.

        The new key is kept beside the old one until everything is sealed with it, so that a
        kill at any moment leaves a store that opens. The next write then ends what was begun.

        Args:
            keep_in: Where to keep the key from now on; where it is now if None.

        Raises:
            SettingError: The keyring cannot be used, or the store cannot be written.
        """
        from cryptography.fernet import Fernet

        with self._written() as (envelope, entries):
            before = self._keys(envelope)
            after = replace(envelope, place=keep_in or envelope.place)
            self._keys(after).write([Fernet.generate_key(), *before.read()])
            self._write(after, entries)
            if after.place is not envelope.place:
                before.forget()
        return after.place

    def place(self) -> KeyPlace:
        """Return where the key is kept."""
        return self._envelope().place

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            if not self._values.exists():
                return {}
            with private_files.alone(self._folder, shared=True):
                return self._opened(self._envelope())
        except OSError as error:
            raise SettingError(
                f"{self._folder} cannot be read: {error.strerror}. Only the account that owns "
                "the workspace may use its secrets."
            ) from None

    @contextmanager
    def _written(self) -> Iterator[tuple[_Envelope, dict[str, dict[str, str]]]]:
        """Hold the store, give what is in it, and say it in words if it cannot be written."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with private_files.alone(self._folder):
                envelope = self._envelope()
                yield envelope, self._opened(envelope)
        except OSError as error:
            raise SettingError(
                f"{self._folder} cannot be written: {error.strerror}. The secrets are as they were."
            ) from None

    def _envelope(self) -> _Envelope:
        content = private_files.read(self._values)
        if content is None:
            return _Envelope(uuid.uuid4().hex, KeyPlace.FILE, b"")
        try:
            head = json.loads(content)
            if head["format"] > _FORMAT:
                raise SettingError(
                    f"{self._values} was written by a newer AnalyticsPro. Install that one again."
                )
            return _Envelope(head["store"], KeyPlace(head["key"]), head["sealed"].encode())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unreadable("is damaged") from None

    def _keys(self, envelope: _Envelope) -> Keys:
        if envelope.place is KeyPlace.KEYRING:
            return KeyRing(envelope.store)
        return self._key_file

    def _opened(self, envelope: _Envelope) -> dict[str, dict[str, str]]:
        if not envelope.sealed:
            return {}
        # It is only needed where there are secrets: most commands have none to do with.
        from cryptography.fernet import InvalidToken, MultiFernet

        keys = self._keys(envelope)
        known = [_fernet(key, keys) for key in keys.read()]
        if not known:
            raise self._unreadable(f"is sealed, and its key is not in {keys}")
        try:
            entries: dict[str, dict[str, str]] = json.loads(
                MultiFernet(known).decrypt(envelope.sealed)
            )
        except InvalidToken:
            raise self._unreadable(f"does not open with the key in {keys}") from None
        return entries

    def _write(self, envelope: _Envelope, entries: Mapping[str, Any]) -> None:
        from cryptography.fernet import Fernet

        keys = self._keys(envelope)
        known = keys.read()
        if not known:
            known = [Fernet.generate_key()]
            keys.write(known)
        sealed = _fernet(known[0], keys).encrypt(json.dumps(entries).encode())
        head = {"format": _FORMAT, "store": envelope.store, "key": envelope.place}
        content = json.dumps(head | {"sealed": sealed.decode()})
        private_files.replace(self._values, content.encode())
        if len(known) > 1:  # all is sealed with the first
            keys.write(known[:1])
        if envelope.place is KeyPlace.KEYRING:
            self._key_file.forget()  # a move that was broken off may have left one there

    def _unreadable(self, what: str) -> SettingError:
        return SettingError(
            f"{self._values} {what}. Put back the folder {self._folder} from a backup, or delete "
            "that folder and set the secrets again: analyticspro secrets set NAME"
        )


def split(name: str) -> tuple[str, str]:
    """Return the source and the name in `source.name`.

    Raises:
        SettingError: It is not of that form.

    >>> split("crm.token")
    ('crm', 'token')
    """
    if re.fullmatch(rf"{_WORD}\.{_WORD}", name) is None:
        raise SettingError(
            f"{name!r} cannot name a secret. Write SOURCE.NAME, such as crm.token: small "
            "letters, digits and underscores."
        )
    source, _, rest = name.partition(".")
    return source, rest


def _check(name: str, value: str) -> None:
    """Check that `value` can be kept; the error never shows it."""
    if not value.strip():
        raise SettingError(f"The value of {name!r} is empty. To forget it: secrets remove {name}")
    if len(value) > _LONGEST:
        raise SettingError(f"The value of {name!r} is longer than {_LONGEST:,} characters.")
    if re.search("[\0\ud800-\udfff]", value):
        raise SettingError(f"The value of {name!r} is no text: it holds a NUL or half a character.")


def _fernet(key: bytes, place: Keys) -> Any:
    from cryptography.fernet import Fernet

    try:
        return Fernet(key)
    except ValueError:
        raise SettingError(
            f"{place} holds something else than a key. Put it back from a backup."
        ) from None
