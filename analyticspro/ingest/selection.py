"""Chooses the parts that a sync reads, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from analyticspro import connectors
from analyticspro.connectors import FilesSource, Part
from analyticspro.ingest.event_store import EventWriter

__all__ = ["settled", "to_read"]

# Settings that change no event.
_NOT_THE_EVENTS = {"cron", "every", "fresh_within", "path", "settled_for", "store", "title"}
_RULES = 1  # raised when the same file and declaration would give other events


def settled(
    source: FilesSource, found: list[Part], writer: EventWriter, now: datetime
) -> tuple[list[Part], str | None]:
    """Return the parts that are settled, and a note about those left for the next sync.

    A natural key may stand in several files, of which the last is right. So while a file that
    was read before is changing, what it says of a key is not known, and all of them wait.
    """
    known = writer.cursors(source.name)
    waiting = []
    for part in found:
        cursor = known.get(part.name)
        is_read = cursor and (cursor.size, cursor.changed_ns) == (part.size, part.changed_ns)
        if not is_read and not connectors.is_settled(source, part, now):
            waiting.append(part)
    if not waiting:
        return found, None
    names = ", ".join(part.name for part in waiting[:3])
    note = (
        f"{len(waiting)} file(s) changed less than {source.settled_for:g} s ago ({names}) "
        "and are left for the next sync."
    )
    if source.key and any(part.name in known for part in waiting):
        return [], f"{note} As a key may stand in several files, the others wait too."
    return [part for part in found if part not in waiting], note


def to_read(
    source: FilesSource, found: list[Part], writer: EventWriter, rules: str = ""
) -> list[tuple[Part, str]]:
    """Return the parts to read, with their fingerprints, in their order.

    A natural key may stand in several files; the last of them holds what is true. So once a
    file changes that was read before, or one comes before it, all are read again, in order:
    what one file no longer says another may still.

    Args:
        source: What is declared.
        found: The parts that there are.
        writer: What knows those read before.
        rules: Tells what else events must hold to; when it changes all are read again.
    """
    known = writer.cursors(source.name)
    changed = dict(_changed(source, found, writer, rules))
    read_before = [index for index, part in enumerate(found) if part.name in known]
    only_later_ones = not read_before or all(
        index > read_before[-1] for index, part in enumerate(found) if part in changed
    )
    if not source.key or only_later_ones:
        return list(changed.items())
    writer.forget(source.name)
    return [(part, changed.get(part) or known[part.name].fingerprint) for part in found]


def _changed(
    source: FilesSource, found: list[Part], writer: EventWriter, rules: str
) -> Iterator[tuple[Part, str]]:
    """Yield the parts that must be read, with their fingerprints.

    Size and time of change only skip what cannot have changed; else the content decides.
    """
    mapping = hashlib.blake2b(
        f"{_RULES}{source.model_dump_json(exclude=_NOT_THE_EVENTS)}{rules}".encode(),
        digest_size=8,
    ).hexdigest()
    known = writer.cursors(source.name)
    for part in found:
        cursor = known.get(part.name)
        if cursor and cursor.fingerprint.endswith(mapping):
            if (cursor.size, cursor.changed_ns) == (part.size, part.changed_ns):
                continue
            if cursor.fingerprint == f"{connectors.fingerprint(part)}:{mapping}":
                writer.touch(source.name, part.name, size=part.size, changed_ns=part.changed_ns)
                continue
        yield part, f"{connectors.fingerprint(part)}:{mapping}"
