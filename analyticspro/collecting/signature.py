"""Signed deliveries: HMAC-SHA256 over the body as it was sent, with the time of sending."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["TOLERANCE_S", "is_signed", "signature"]

TOLERANCE_S = 300


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what `X-Signature` has to say.

    What is signed is the time, a full stop and the body as it goes over the wire, compressed
    if it is: so neither can be taken from one request and put beside the other.

    >>> signature("s3cret", "1763740800", b"{}")[:23]
    'sha256=cc32dd56f4603f85'

    Args:
        secret: The write key's.
        timestamp: Seconds since 1970, as `X-Timestamp` says them.
        body: The raw body.
    """
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def is_signed(secret: str, given: str, timestamp: str, body: bytes, *, now: float) -> bool:
    """Tell whether `given` signs `body`, not more than five minutes from `now`.

    A repeat within that time is let in: it holds the same message ids, so it changes nothing.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    expected = signature(secret, timestamp, body)
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())
