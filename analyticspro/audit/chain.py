"""What makes an entry prove all before it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

from analyticspro.state import AuditRow

__all__ = ["linked", "proof"]

_LONGEST = 500  # characters of one field: an entry holds no bodies


def linked(
    *,
    key: bytes,
    previous: tuple[int, str],
    at: datetime,
    who: str,
    action: str,
    subject: str,
    origin: str,
    allowed: bool,
    reason: str,
) -> AuditRow:
    """Return the entry that follows the one whose number and digest are `previous`.

    A text that is too long is cut; what a terminal or a log would obey is replaced.
    """
    number, digest = previous
    row = AuditRow(
        seq=number + 1,
        at=at.astimezone(UTC),
        who=_told(who),
        action=_told(action),
        subject=_told(subject),
        origin=_told(origin),
        allowed=allowed,
        reason=_told(reason),
        digest="",
    )
    return AuditRow(**(vars(row) | {"digest": proof(row, digest, key)}))


def proof(row: AuditRow, previous: str, key: bytes) -> str:
    """Return the digest of `row`, every field of it, and of the digest before it.

    It is keyed, so that whoever can write the database, yet not read the home, can make no
    chain that holds.
    """
    fields = [
        previous,
        row.seq,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.who,
        row.action,
        row.subject,
        row.origin,
        row.allowed,
        row.reason,
    ]
    content = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()


def _told(text: str) -> str:
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
