"""What the registry knows of properties, and how what is seen of them adds up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from analyticspro.errors import DefinitionError

__all__ = [
    "DEEPEST",
    "LONGEST_EXAMPLE",
    "MOST_NAMES",
    "MOST_PER_LEVEL",
    "MOST_VALUES",
    "EventName",
    "Property",
    "Seen",
    "keys_of",
    "path_of",
]

# A sender who makes up names must not fill the memory: what is beyond is only counted.
MOST_NAMES = 500
MOST_PER_LEVEL = 200  # of one event name: top-level properties, those within them, …
DEEPEST = 4
# So many of the smallest hashes of a property's values are kept. Until there are more
# values, their number is exact; then it follows from how close together these lie.
MOST_VALUES = 256
LONGEST_EXAMPLE = 60

_HASHES = 1 << 64
_PLAIN = re.compile(r"[A-Za-z0-9_$\- ]+")
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair, which no JSON that is stored holds
_STEP = re.compile(r'"(?:[^"\\]|\\.)*"|[^."]+')


@dataclass
class Seen:
    """How often something is there, and when it was seen.

    Attributes:
        events: Events that are there now: versions that were superseded do not count.
        first_at: The earliest time that one ever had, naive UTC; `last_at`, the latest. As
            the revisions, they do not change when an event is superseded or retracted.
        first_revision: The commit that brought the first; `last_revision`, the last.
    """

    events: int
    first_at: datetime
    last_at: datetime
    first_revision: int
    last_revision: int

    def add(self, other: Seen) -> None:
        """Count `other` in."""
        self.events += other.events
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        self.first_revision = min(self.first_revision, other.first_revision)
        self.last_revision = max(self.last_revision, other.last_revision)


@dataclass
class Property:
    """What is known of one property of one event name.

    Attributes:
        kinds: By JSON type: text, integer, number, boolean, null, object, array.
        values: The smallest hashes of values ever seen, each with its JSON if that is short.
    """

    kinds: dict[str, Seen] = field(default_factory=dict)
    values: dict[int, str | None] = field(default_factory=dict)

    def limit(self) -> int:
        """Return the largest hash that still counts."""
        return max(self.values) if len(self.values) >= MOST_VALUES else _HASHES - 1

    def keep(self, values: dict[int, str | None]) -> None:
        """Take in hashes of values."""
        merged = self.values | values
        self.values = {value: merged[value] for value in sorted(merged)[:MOST_VALUES]}

    def distinct(self) -> int:
        """Return how many different values were seen; about, from `MOST_VALUES` on."""
        if len(self.values) < MOST_VALUES:
            return len(self.values)
        return round((MOST_VALUES - 1) * _HASHES / max(self.values))

    @property
    def is_exact(self) -> bool:
        """Whether `distinct` is exact."""
        return len(self.values) < MOST_VALUES


@dataclass
class EventName:
    """What is known of the events of one name.

    Attributes:
        seen: Of the events themselves; None before the first.
        other: Values of properties beyond the limits, in the events that are there now.
        properties: By their keys, from the outermost in.
    """

    seen: Seen | None = None
    other: int = 0
    properties: dict[tuple[str, ...], Property] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        """Count events in."""
        if self.seen is None:
            self.seen = seen
        else:
            self.seen.add(seen)


def path_of(keys: tuple[str, ...]) -> str:
    """Return how a property is written: its keys with dots between, as TOML writes them.

    >>> path_of(("context", "ip")), path_of(("a.b", ""))
    ('context.ip', '"a.b".""')
    """
    return ".".join(
        key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys
    )


def keys_of(path: str) -> tuple[str, ...]:
    """Return the keys that `path` is written of.

    >>> keys_of('context."a.b".c')
    ('context', 'a.b', 'c')

    Raises:
        DefinitionError: It is no path of a property.
    """
    keys, at = [], 0
    while found := _STEP.match(path, at):
        step, at = found[0], found.end()
        try:
            keys.append(str(json.loads(step)) if step.startswith('"') else step)
        except ValueError:
            break
        if at == len(path) and not _HALF.search("".join(keys)):
            return tuple(keys)
        if at == len(path) or path[at] != ".":
            break
        at += 1
    raise DefinitionError(
        f"{path!r} names no property. Write keys with dots between, such as context.ip; a key "
        'that has a dot itself in quotes: context."a.b".'
    )
