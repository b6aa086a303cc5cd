"""Reads the body of a delivery: bounded, strict JSON, every number as it was written.

There are two ways to the same values. The quick one reads with msgspec and writes what it
read: if that gives the very bytes that came, nothing was lost, so no name stands twice in an
object, no number has digits that a float cannot keep, no character is half of a pair. What
browsers send (JSON.stringify) goes that way. All else is read the careful way, which keeps
numbers as text and looks at every name and string.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

__all__ = [
    "DEEPEST",
    "LARGEST_BODY",
    "MOST_EVENTS",
    "Read",
    "Unacceptable",
    "expanded",
    "flaw",
    "flawed_text",
    "messages",
    "text",
    "too_large",
]

LARGEST_BODY = 4 << 20  # bytes, as sent and once more expanded
MOST_EVENTS = 5_000
DEEPEST = 100
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unacceptable(Exception):
    """A body that cannot be taken as a whole; nothing of it was taken.

    `status` is that of HTTP: 400, 413 or 415. The text says why, and the cure.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Read:
    """What a body says.

    Attributes:
        messages: The messages, each a JSON value; not every one needs be an object.
        sent_at: The batch's own, as it stands; None where there is none.
        write_key: The one in the body, if there is one.
        is_plain: Whether the quick way was enough.
    """

    messages: list[Any]
    sent_at: Any
    write_key: Any
    is_plain: bool


def expanded(body: bytes, encoding: str) -> bytes:
    """Return `body` without its `Content-Encoding`.

    Raises:
        Unacceptable: It is of another kind than gzip, is damaged, or is larger than
            `LARGEST_BODY`. No more than that is ever expanded.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Unacceptable(415, f"Content-Encoding is {encoding!r}. Send gzip, or none.")
    reader = zlib.decompressobj(wbits=31)
    try:
        whole = reader.decompress(body, LARGEST_BODY + 1)
    except zlib.error as error:
        raise Unacceptable(400, f"The body is not whole gzip: {error}.") from None
    if len(whole) > LARGEST_BODY:
        raise too_large()
    if not reader.eof or reader.unused_data:
        raise Unacceptable(400, "The body is not one whole gzip stream. Send it again.")
    return whole


def too_large(most: int = LARGEST_BODY) -> Unacceptable:
    """Return the refusal of a body that is too large."""
    return Unacceptable(413, f"The body is larger than {most:,} bytes. Send smaller ones.")


def messages(body: bytes, *, is_batch: bool) -> Read:
    """Return the messages in `body`: those of its `batch`, or the body itself.

    Raises:
        Unacceptable: It is not JSON of that shape.
    """
    value, is_plain = _value(body)
    if type(value) is not dict:
        if isinstance(value, _Doubled):
            raise Unacceptable(400, f"The body names {value.name!r} more than once.")
        raise Unacceptable(400, "The body is not a JSON object.")
    key = value.pop("writeKey", None)
    if not is_batch:
        return Read([value], None, key, is_plain)
    batch = value.get("batch")
    if not isinstance(batch, list):
        raise Unacceptable(400, "The body has no list 'batch' of messages.")
    if len(batch) > MOST_EVENTS:
        raise Unacceptable(
            413, f"The batch holds {len(batch):,} messages; at most {MOST_EVENTS:,}. Send fewer."
        )
    return Read(batch, value.get("sentAt"), key, is_plain)


def text(value: Any) -> str:
    """Return `value`, as `messages` gave it, as compact JSON with the digits that it came with."""
    return _encoder.encode(value).decode()


def flawed_text(value: Any) -> str:
    r"""Return the same of a value with flaws, and every flaw in it.

    >>> flawed_text({"half": "\ud800"})
    '{"half":"\\ud800"}'
    """
    return text(_spelled(value))


def flaw(value: Any) -> str | None:
    """Return what a message must not have: None, or the reason it is to be set aside."""
    return _flaw(value, 1)


def _value(body: bytes) -> tuple[Any, bool]:
    try:
        value = _decoder.decode(body)
        if b"\\u0000" not in body and _encoder.encode(value) == body:
            return value, True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return _careful(body), False


def _careful(body: bytes) -> Any:
    try:
        return _careful_decoder.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unacceptable(
            400, f"The body is not UTF-8 at byte {error.start + 1}. Send JSON in UTF-8."
        ) from None
    except json.JSONDecodeError as error:
        raise Unacceptable(
            400, f"The body is not JSON: {error.msg} at character {error.pos + 1}."
        ) from None
    except RecursionError:
        raise Unacceptable(400, f"The body is nested deeper than {DEEPEST}.") from None


class _Doubled(dict[str, Any]):
    """An object that names something twice: its reader could not tell which is meant."""

    name: str
    pairs: list[tuple[str, Any]]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    doubled = _Doubled(found)
    doubled.pairs = pairs
    doubled.name = next(name for name in names if names.count(name) > 1)
    return doubled


def _no_constant(name: str) -> NoReturn:
    raise Unacceptable(400, f"The body is not JSON: {name} is no number. Send null, or leave it.")


def _flaw(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        return _text_flaw(value)
    if isinstance(value, _Doubled):
        return f"names {value.name[:100]!r} more than once"
    if isinstance(value, dict):
        inner: Iterable[Any] = value.values()
        for name in value:
            if not name.isascii() or "\0" in name:
                problem = _text_flaw(name)
                if problem:
                    return problem
    elif isinstance(value, list):
        inner = value
    else:
        return None
    if depth > DEEPEST:
        return f"is nested deeper than {DEEPEST}"
    for item in inner:
        problem = _flaw(item, depth + 1)
        if problem:
            return problem
    return None


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return msgspec.Raw(json.dumps(value)) if _SURROGATE.search(value) else value
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    pairs = value.pairs if isinstance(value, _Doubled) else value.items()
    return msgspec.Raw(
        f"{{{','.join(f'{json.dumps(name)}:{text(_spelled(item))}' for name, item in pairs)}}}"
    )


def _text_flaw(value: str) -> str | None:
    if "\0" in value:
        return "holds a NUL character"
    if not value.isascii() and _SURROGATE.search(value):
        return "holds half of a surrogate pair"
    return None


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_careful_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=msgspec.Raw,
    parse_int=msgspec.Raw,
    parse_constant=_no_constant,
)
