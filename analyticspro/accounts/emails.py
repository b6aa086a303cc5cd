"""E-mail addresses, written one way."""

from __future__ import annotations

import re
import unicodedata

import idna

__all__ = ["domain_of", "normalised"]

# No quotes, no comments: nobody has such an address, and mail headers could be bent with it.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST = 254
_LONGEST_LOCAL = 64


def normalised(email: str) -> str:
    """Return the address as it is compared and kept: small letters, the domain in ASCII.

    Two addresses that differ in case only are one person: every mail provider of note sees it
    so. Dots and what follows a plus are kept, as they may tell persons apart.

    >>> normalised(" Ada.Lovelace+x@BÜCHER.example ")
    'ada.lovelace+x@xn--bcher-kva.example'

    Raises:
        ValueError: It is no address.
    """
    text = unicodedata.normalize("NFKC", email.strip())
    local, at, domain = text.rpartition("@")
    local = local.lower()
    if not at or not _LOCAL.fullmatch(local) or len(local) > _LONGEST_LOCAL:
        raise ValueError("no e-mail address")
    found = f"{local}@{_ascii(domain)}"
    if len(found) > _LONGEST:
        raise ValueError("no e-mail address")
    return found


def domain_of(email: str) -> str:
    """Return the domain of an address, normalised; raises ValueError if it is none."""
    return normalised(email).rpartition("@")[2]


def _ascii(domain: str) -> str:
    try:
        found = idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("no e-mail address") from None
    labels = found.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("no e-mail address")
    return found
