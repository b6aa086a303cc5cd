"""What may be sensitive: tags, and which of them the fields of an event carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = [
    "CREDIT_EVENTS",
    "EVERYTHING",
    "FIELD_TAGS",
    "PUBLIC",
    "TEXT_FIELDS",
    "UNTAGGED",
    "Tag",
    "property_tags",
]


class Tag(StrEnum):
    """The tags that policies come with; an admin may tag properties with words of his own."""

    REVENUE = "revenue"
    PII = "pii"  # name, e-mail, address, IP, free text
    HEALTH = "health"
    CREDITS = "credits"
    SECURITY = "security"  # logins, audit


# Events whose `quantity` is a number of credits, and not of things sold.
CREDIT_EVENTS = (
    "credits_allocated",
    "credits_bought",
    "credits_granted",
    "credits_released",
    "credits_used",
)
EVERYTHING = "*"  # granted: all tags there are, and what nobody has tagged yet
UNTAGGED = ":untagged"  # what nobody has looked at yet; no tag can be called so
PUBLIC = "public"  # somebody looked at it: it needs no grant
_PERSONAL = "personal"  # the registry's older word for pii

_NOTHING: frozenset[str] = frozenset()
_FIELDS: dict[str, frozenset[str]] = {
    "name": _NOTHING,
    "source": _NOTHING,
    "part": _NOTHING,
    "event_id": _NOTHING,
    "customer_id": _NOTHING,
    "user_id": _NOTHING,
    "session_id": _NOTHING,
    "order_id": _NOTHING,
    "currency": _NOTHING,
    "country": _NOTHING,
    "product_id": _NOTHING,
    "product": _NOTHING,
    "plan": _NOTHING,
    "channel": _NOTHING,
    "status": _NOTHING,
    "method": _NOTHING,
    "path": _NOTHING,
    "monitor": _NOTHING,
}
TEXT_FIELDS = frozenset(_FIELDS)
FIELD_TAGS: Mapping[str, frozenset[str]] = MappingProxyType(
    _FIELDS
    | {
        "occurred_at": _NOTHING,
        "received_at": _NOTHING,
        "is_late": _NOTHING,
        "quantity": _NOTHING,
        "bytes_sent": _NOTHING,
        "response_us": _NOTHING,
        "observed_seconds": _NOTHING,
        "amount_minor": frozenset({Tag.REVENUE.value}),
        # Whole records: whatever nobody has tagged yet is in them.
        "properties": frozenset({UNTAGGED}),
        "raw": frozenset({UNTAGGED}),
    }
)
"""The tags of each canonical field of an event. Ids are pseudonyms, which no tag is about."""


def property_tags(marked: Iterable[str]) -> frozenset[str]:
    """Return the tags that a property carries for policies, of those that the registry has.

    >>> sorted(property_tags(["personal", "loyalty"]))
    ['loyalty', 'pii']
    >>> property_tags([]), property_tags(["public"])
    (frozenset({':untagged'}), frozenset())
    """
    found = {Tag.PII.value if tag == _PERSONAL else tag for tag in marked}
    return frozenset(found - {PUBLIC}) if found else frozenset({UNTAGGED})
