"""Passwords: which are taken, how they are kept, whether one is right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from analyticspro.errors import DefinitionError

__all__ = ["Passwords"]

_LONGEST = 256
_LOOKED_AT = 72  # characters that the estimate of guesses reads
_STRONG_ENOUGH = 3  # of 4: more than 10^8 guesses, besides what each guess costs
_NEW_AT_LEAST = 8  # characters that are not in the name or the address
_WORD = re.compile(r"[^\W_]{3,}")


class Passwords:
    """Argon2id, by default with the parameters of RFC 9106 for 64 MiB.

    Hashing takes a tenth of a second of a core on purpose: keep it off an event loop.
    """

    def __init__(self, hasher: PasswordHasher | None = None, *, shortest: int = 12) -> None:
        self._hasher = hasher or PasswordHasher()
        self._shortest = shortest
        # What a guess at an account that is not there is compared with.
        self._nobody = self._hasher.hash("nobody has this password")

    def check(self, password: str, *, about: Sequence[str] = ()) -> None:
        """Raise DefinitionError unless `password` may be used.

        Length counts, not which kinds of characters; what is easily guessed is refused:
        common ones, names, dates, runs of keys, what is told `about` the person.
        """
        if len(password) < self._shortest:
            raise DefinitionError(
                f"This password is too short. Use {self._shortest} characters or more; a few "
                "words that have nothing to do with each other are easy to remember."
            )
        if len(password) > _LONGEST:
            raise DefinitionError(f"This password is too long. Use {_LONGEST} characters or fewer.")
        from zxcvbn import zxcvbn  # its word lists take a while to load

        words = [word for text in (*about, "analyticspro") for word in _WORD.findall(text)]
        found = zxcvbn(_written(password)[:_LOOKED_AT], user_inputs=[*about, *words])
        if found["score"] < _STRONG_ENOUGH or _left(password, words) < _NEW_AT_LEAST:
            why = found["feedback"]["warning"] or "It is made of what is tried first"
            raise DefinitionError(
                f"This password is easily guessed. {why.rstrip('.')}. Use a few words that have "
                "nothing to do with each other, or with you."
            )

    def hash(self, password: str) -> str:
        """Return what is kept of `password`."""
        return self._hasher.hash(_written(password)[:_LONGEST])

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Tell whether `password` is the one; takes as long if there is none to compare with."""
        try:
            self._hasher.verify(password_hash or self._nobody, _written(password)[:_LONGEST])
        except (VerificationError, InvalidHashError):
            return False
        return bool(password_hash)

    def is_dated(self, password_hash: str) -> bool:
        """Tell whether it was hashed with other parameters than those of now."""
        return self._hasher.check_needs_rehash(password_hash)


def _left(password: str, words: Sequence[str]) -> int:
    """Return how many characters are left without `words`."""
    left = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word.casefold(), "")
    return len(left)


def _written(password: str) -> str:
    """Return the password as one keyboard or another may have typed it."""
    plain = unicodedata.normalize("NFKC", password)
    return plain.encode("utf-8", "replace").decode()
