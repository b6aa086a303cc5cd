"""Makes a canonical event of a message in Segment's form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec

from analyticspro import events
from analyticspro.collecting.amounts import amount
from analyticspro.collecting.body import DEEPEST, flaw, flawed_text, text
from analyticspro.collecting.naming import KINDS, event_name
from analyticspro.collecting.wrong import Wrong, shown

__all__ = ["LARGEST_EVENT", "MESSAGES", "Converter", "Row", "kept_of_reject"]

LARGEST_EVENT = 1 << 20  # bytes of the message as compact JSON in UTF-8
MESSAGES = "messages"  # what the collector's stream of a source is called

# event_id, name, occurred_at (microseconds since 1970), customer_id, user_id, session_id,
# amount_minor, currency, properties, raw
Row: TypeAlias = tuple[str, str, int, str | None, str, str | None, int | None, str | None, str, str]

_LONGEST_ID = 400  # characters
_KEPT_OF_TOO_LARGE = 1 << 16  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_AHEAD = timedelta(hours=23) // _MICROSECOND
_NOTHING: Mapping[str, Any] = {}


class Converter:
    """Makes events of the messages of one delivery."""

    def __init__(
        self, source: str, *, received_at: datetime, sent_at: Any, is_plain: bool, kind: str | None
    ) -> None:
        """Make the converter.

        Args:
            source: The source that they are of.
            received_at: When the delivery came, UTC.
            sent_at: The delivery's own time of sending, as it stands in it; None for none.
            is_plain: Whether the messages were read the quick way: then they have no flaw.
            kind: The type that each must be of; None if they say it themselves.
        """
        self._source = source
        self._received_at = (received_at - _EPOCH) // _MICROSECOND
        self._sent_at = sent_at
        self._is_plain = is_plain
        self._kind = kind

    def raw(self, message: Any) -> str | None:
        """Return the text of a message that is kept; None if it is too deep to be written.

        It is without the write key, and without `sentAt`, which differs when the same
        message is sent again.
        """
        if isinstance(message, dict) and ("sentAt" in message or "writeKey" in message):
            inner = {k: v for k, v in message.items() if k not in ("sentAt", "writeKey")}
            # What names something twice is kept as it is.
            message = inner if type(message) is dict else message
        try:
            return text(message) if self._is_plain else flawed_text(message)
        except RecursionError:
            return None

    def row(self, message: Any, raw: str | None) -> Row:
        """Return the event that `message` tells of.

        Args:
            message: As it was read.
            raw: Its text, from `raw`.

        Raises:
            Wrong: It cannot become one.
        """
        raw = self._sound(message, raw)
        kind = self._kind_of(message)
        user, anonymous = _name_of(message, "userId"), _name_of(message, "anonymousId")
        if user is None and anonymous is None:
            raise Wrong("userId", None, "is missing, and so is anonymousId")
        context = _object(message, "context")
        properties = _properties(message, kind, context)
        group = _name_of(message, "groupId") or _name_of(context, "groupId", "context.")
        extras = {"anonymous_id": anonymous, **_extras(message, kind, group)}
        occurred_at = self._occurred_at(message, extras)
        money = amount(properties)
        if money is not None and money[0].unrounded is not None:
            extras["amount_unrounded"] = money[0].unrounded
        added = {name: v for name, v in extras.items() if v is not None and name not in properties}
        return (
            self._event_id(message, kind, raw),
            _happened(message, kind),
            occurred_at,
            group or user,
            user or anonymous or "",
            _name_of(context, "sessionId", "context."),
            money and money[0].amount,
            money and money[1],
            text({**properties, **added} if added else properties),
            raw,
        )

    def id_of(self, row: Row) -> str:
        """Return the message's own id, given or made, of an event that was made of it."""
        return unquote(row[0].rpartition(":")[2])

    def behind(self, message: Any) -> int | None:
        """Return by how many microseconds the sender's clock was behind ours, if that is told."""
        sent_at = message.get("sentAt") if isinstance(message, dict) else None
        if sent_at in (None, ""):
            sent_at = self._sent_at
        try:
            return self._received_at - _instant("sentAt", sent_at)
        except Wrong:
            return None

    def _sound(self, message: Any, raw: str | None) -> str:
        """Return `raw` if the message is one that may be looked into."""
        if raw is None:
            raise Wrong(None, None, f"is nested deeper than {DEEPEST}")
        if not self._is_plain or raw.count("{") + raw.count("[") > DEEPEST:
            reason = flaw(message)
            if reason:
                raise Wrong(None, None, reason)
        if type(message) is not dict:
            raise Wrong(None, None, "is not a JSON object")
        if len(raw) > LARGEST_EVENT // 4 and len(raw.encode()) > LARGEST_EVENT:
            raise Wrong(None, None, f"is larger than {LARGEST_EVENT:,} bytes")
        return raw

    def _kind_of(self, message: dict[str, Any]) -> str:
        given = message.get("type")
        if given is None:
            given = self._kind
        if self._kind is not None and given != self._kind:
            reason = f"is not {self._kind}, which is what this address takes"
            raise Wrong("type", shown(given), reason)
        if not isinstance(given, str) or given not in KINDS:
            raise Wrong("type", shown(given), f"is none of {', '.join(KINDS)}")
        return given

    def _event_id(self, message: dict[str, Any], kind: str, raw: str) -> str:
        given = _name_of(message, "messageId")
        if given is None:
            if _given_time(message) is None:
                reason = (
                    "is missing, and so is timestamp: a repeat could not be told from another event"
                )
                raise Wrong("messageId", None, reason)
            given = f"{kind}-{hashlib.blake2b(raw.encode(), digest_size=16).hexdigest()}"
        return events.event_id(self._source, MESSAGES, given)

    def _occurred_at(self, message: dict[str, Any], extras: dict[str, Any]) -> int:
        given = _given_time(message)
        if given is None:
            return self._received_at
        field, value = given
        occurred_at = _instant(field, value)
        sent_at = message.get("sentAt")
        if sent_at in (None, ""):
            sent_at = self._sent_at
        if sent_at not in (None, ""):
            # How long before it was sent it happened holds, whatever the sender's clock says.
            occurred_at += self._received_at - _instant("sentAt", sent_at)
        if occurred_at - self._received_at > _MOST_AHEAD:
            extras["timestamp_given"] = value
            return self._received_at
        return occurred_at


def kept_of_reject(raw: str | None) -> str | None:
    """Return how much of a message that is set aside is kept: all, unless it is too large.

    What is too large would be refused again, and must not fill the disk.
    """
    if raw is not None and len(raw.encode()) > LARGEST_EVENT:
        return raw[:_KEPT_OF_TOO_LARGE]
    return raw


def _name_of(fields: Mapping[str, Any], name: str, path: str = "") -> str | None:
    """Return what names a person, group, session or message; a number by its digits."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float | msgspec.Raw):
            raise Wrong(f"{path}{name}", shown(value), "is not text")
        value = text(value)
    if len(value) > _LONGEST_ID:
        raise Wrong(f"{path}{name}", shown(value), f"is longer than {_LONGEST_ID} characters")
    return value if value.strip() else None


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Wrong(name, shown(value), "is not a JSON object")
    return value


def _properties(message: dict[str, Any], kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    if kind in ("identify", "group"):
        # RudderStack's libraries say who somebody is in the context alone.
        inner = _object(context, "traits") if kind == "identify" else _NOTHING
        return _object(message, "traits") or dict(inner)
    return _object(message, "properties")


def _extras(message: dict[str, Any], kind: str, group: str | None) -> dict[str, Any]:
    """Return what Segment keeps beside the properties and one would want to break down by."""
    if kind in ("page", "screen"):
        return {"name": message.get("name"), "category": message.get("category")}
    if kind == "alias":
        return {"previous_id": _name_of(message, "previousId")}
    return {"group_id": group} if kind == "group" else {}


def _happened(message: dict[str, Any], kind: str) -> str:
    name = KINDS[kind]
    if name is not None:
        return name
    given = message.get("event")
    if given is None or given == "":
        raise Wrong("event", None, "is missing")
    if not isinstance(given, str):
        raise Wrong("event", shown(given), "is not text")
    name = event_name(given)
    if name is None:
        reason = "gives no event name: it needs Latin letters or digits, 100 at most"
        raise Wrong("event", shown(given), reason)
    return name


def _given_time(message: dict[str, Any]) -> tuple[str, Any] | None:
    """Return the field with the sender's own time, and what is in it."""
    for field in ("originalTimestamp", "timestamp"):
        value = message.get(field)
        if value is not None and value != "":
            return field, value
    return None


def _instant(field: str, value: Any) -> int:
    """Return the instant in microseconds since 1970; a time without an offset is in UTC."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        reason = "is not a time in ISO 8601, such as 2026-11-21T16:00:00.000Z"
        raise Wrong(field, shown(value), reason) from None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
