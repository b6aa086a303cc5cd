"""The schema of a workspace: its events' properties, what is decided on them, its contracts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyticspro.errors import DefinitionError, UnknownName
from analyticspro.events import check_name
from analyticspro.ingest.contracts import load, read, written
from analyticspro.warehouse import (
    BLOCKED,
    EVERY,
    PERSONAL,
    EventName,
    Mark,
    Property,
    Registered,
    Seen,
    Warehouse,
    keys_of,
    path_of,
)

__all__ = ["Schema"]

_MOST_EXAMPLES = 5
_TAG = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Schema:
    """What can be asked and decided of the properties of a workspace's events."""

    def __init__(self, contracts_file: Path, warehouse: Warehouse) -> None:
        self._file = contracts_file
        self._properties = warehouse.properties
        self._promoting = warehouse.promoting

    def take_in_contracts(self) -> None:
        """Put in force what the file of contracts declares by now.

        Raises:
            SettingError: Something is wrong in it; what was in force stays so.
        """
        self._properties.declare(written(load(self._file)))

    def catch_up(self, *, seconds: float) -> None:
        """Count what came since the registry was asked last, for about so many seconds at most.

        Whoever asks does that first; after a large load it is better done beforehand.
        """
        self._properties.catch_up(seconds=seconds)

    def described(self, event: str | None = None) -> dict[str, Any]:
        """Return what is known, as plain JSON.

        Args:
            event: Of the events of this name only.

        Returns:
            `waiting`: how many changes are not counted yet, 0 but for a while after a large
            load; `beyond`: how many events have names beyond the limit; `events`: for each
            name, the most frequent first, what `_of_name` tells; `marks`: every mark; `promoted`:
            what is a dimension, and the part of the older events whose column is filled.

        Raises:
            UnknownName: There is no such event.
        """
        found = self._properties.registered()
        names = {name: known for name, known in found.names.items() if name is not None}
        if event is not None and event not in names:
            raise UnknownName.of("event", event, names)
        beyond = found.names.get(None)
        listed = sorted(names.items(), key=lambda item: (-_count(item[1]), item[0]))
        return {
            "waiting": found.waiting,
            "beyond": 0 if beyond is None else _count(beyond),
            "events": [
                _of_name(name, known, found) for name, known in listed if event in (None, name)
            ],
            "marks": [
                {
                    "event": each.name,
                    "property": each.path,
                    "tag": None if each.mark == BLOCKED else each.mark,
                    "blocked": each.mark == BLOCKED,
                    "since": _instant(each.set_at),
                    "dropped": found.dropped.get((each.name, each.path), 0),
                }
                for each in found.marks
                if event in (None, each.name) or each.name == EVERY
            ],
            "promoted": [
                {
                    "dimension": each.dimension,
                    "event": each.event or EVERY,
                    "property": each.path,
                    "filled": 1.0 if each.is_filled else each.filled_to / each.wanted_to,
                }
                for each in found.promoted
                if event is None or each.event in (None, event)
            ],
        }

    def tag(self, event: str, path: str, tags: Sequence[str], *, now: datetime) -> None:
        """Tag a property; `personal` hides its values wherever they would be shown as examples.

        Raises:
            DefinitionError: No such name can be, of an event, a property or a tag; or what is to
                be personal is a dimension.
        """
        event, path = _place(event, path)
        if PERSONAL in tags:
            self._refuse_shown(event, path)
        for tag in tags:
            if _TAG.fullmatch(tag) is None:
                raise DefinitionError(
                    f"{tag!r} is no tag. Use small letters, digits, _ and -, such as personal."
                )
        for tag in tags:
            self._properties.mark(event, path, tag, at=now)

    def _refuse_shown(self, event: str, path: str) -> None:
        for each in self._promoting.state():
            is_of_it = EVERY in (event, each.event or EVERY) or each.event == event
            if is_of_it and each.path == path:
                raise DefinitionError(
                    f"{event}.{path} is the dimension {each.dimension}, whose values are shown. "
                    f"First: analyticspro schema demote {each.dimension}"
                )

    def untag(self, event: str, path: str, tags: Sequence[str]) -> None:
        """Take tags off a property.

        Raises:
            UnknownName: It does not have one of them; none was taken off.
        """
        event, path = _place(event, path)
        known = {
            each.mark
            for each in self._properties.marks()
            if (each.name, each.path) == (event, path) and each.mark != BLOCKED
        }
        for tag in tags:
            if tag not in known:
                raise UnknownName.of("tag", tag, known, where=f"{event}.{path}")
        for tag in tags:
            self._properties.unmark(event, path, tag)

    def block(self, event: str, path: str, *, now: datetime) -> None:
        """Have a property not be stored from now on; what was stored before stays."""
        event, path = _place(event, path)
        self._properties.mark(event, path, BLOCKED, at=now)

    def unblock(self, event: str, path: str) -> None:
        """Have a property be stored again.

        Raises:
            UnknownName: It is not blocked.
        """
        event, path = _place(event, path)
        if not self._properties.unmark(event, path, BLOCKED):
            blocked = [
                f"{each.name}.{each.path}"
                for each in self._properties.marks()
                if each.mark == BLOCKED
            ]
            raise UnknownName.of("blocked property", f"{event}.{path}", blocked)

    def violations(self) -> dict[str, Any]:
        """Return the contracts in force, and how often each was broken by what was stored.

        Raises:
            SettingError: Something is wrong in the file of contracts.
        """
        self.take_in_contracts()
        contracts = read(self._properties.contracts())
        rows = self._properties.breaches().to_dicts()
        return {
            "contracts": {
                name: contract.model_dump(mode="json", exclude_defaults=True)
                | {"on_violation": contract.on_violation.value}
                for name, contract in contracts.items()
            },
            "violations": [
                {
                    "source": row["source"],
                    "event": row["name"],
                    "property": row["path"],
                    "reason": row["reason"],
                    "events": row["events"],
                    "first_at": row["first_at"].isoformat(),
                    "last_at": row["last_at"].isoformat(),
                    "examples": row["examples"],
                }
                for row in rows
            ],
        }


def _place(event: str, path: str) -> tuple[str, str]:
    name = event if event == EVERY else check_name(event)
    return name, path_of(keys_of(path))


def _count(known: EventName) -> int:
    return 0 if known.seen is None else known.seen.events


def _of_name(name: str, known: EventName, found: Registered) -> dict[str, Any]:
    assert known.seen is not None
    marks = [each for each in found.marks if each.name in (EVERY, name)]
    promoted = [each for each in found.promoted if each.event in (None, name)]
    return {
        "name": name,
        **_seen(known.seen),
        "other": known.other,
        "properties": [
            _of_property(path_of(keys), each, known.seen.events, marks)
            | {"dimensions": [p.dimension for p in promoted if p.path == path_of(keys)]}
            for keys, each in sorted(known.properties.items())
        ],
    }


def _of_property(path: str, known: Property, events: int, marks: Sequence[Mark]) -> dict[str, Any]:
    own = {each.mark for each in marks if each.path == path}
    # What is null was not seen, unless it never was anything else.
    told = [seen for kind, seen in known.kinds.items() if kind != "null"]
    whole = _together(told or list(known.kinds.values()))
    filled = sum(seen.events for kind, seen in known.kinds.items() if kind != "null")
    is_hidden = PERSONAL in own or BLOCKED in own
    examples = [value for value in known.values.values() if value is not None]
    return {
        "path": path,
        "types": {kind: seen.events for kind, seen in sorted(known.kinds.items())},
        **_seen(whole),
        "events": filled,  # without those where it is null
        "fill_rate": filled / events if events else None,
        "distinct": known.distinct(),
        "distinct_is_exact": known.is_exact,
        "examples": [] if is_hidden else examples[:_MOST_EXAMPLES],
        "tags": sorted(own - {BLOCKED}),
        "blocked": BLOCKED in own,
    }


def _together(parts: Sequence[Seen]) -> Seen:
    whole = replace(parts[0])
    for part in parts[1:]:
        whole.add(part)
    return whole


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        "events": seen.events,
        "first_at": _instant(seen.first_at),
        "last_at": _instant(seen.last_at),
        "first_revision": seen.first_revision,
        "last_revision": seen.last_revision,
    }


def _instant(at: datetime) -> str:
    return at.replace(tzinfo=UTC).isoformat()
