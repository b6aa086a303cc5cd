"""Looks at a source without storing anything: would a sync work?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from analyticspro import connectors
from analyticspro.connectors import FilesSource, Source

__all__ = ["Check", "check"]


@dataclass
class Check:
    """What a source looks like.

    Attributes:
        parts: Files found.
        size: Bytes in them.
        records: Records looked at: the first of the first file, 50,000 at most.
        rejected: How many of these would be set aside.
        rounded: How many amounts would be rounded.
        examples: The first event, as it would be stored (none if all are rejected).
        problems: The first rejects: line, field, value, reason.
    """

    source: str
    parts: int
    size: int
    records: int = 0
    rejected: int = 0
    rounded: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON."""
        return asdict(self)


def check(source: Source) -> Check:
    """Return what a sync of `source` would find, from the start of its first file.

    Raises:
        SourceError: No file, or one that cannot be read; the header lacks a column.
    """
    assert isinstance(source, FilesSource)
    found = connectors.parts(source)
    result = Check(source.name, len(found), sum(part.size for part in found))
    batch = next(connectors.read_part(source, found[0]), None)
    if batch is None:
        return result
    result.records = batch.records
    result.rejected = batch.rejects.height
    result.rounded = batch.rounded
    result.problems = batch.rejects.drop("raw").head(5).to_dicts()
    for event in batch.events.head(1).to_dicts():
        del event["raw"]
        result.examples.append(event | {"occurred_at": event["occurred_at"].isoformat()})
    return result
