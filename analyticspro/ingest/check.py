"""Looks at a source without storing anything: would a sync work?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from analyticspro import connectors
from analyticspro.connectors import Batch, FilesSource, PagedSource, Source
from analyticspro.extract.secret import Secrets

__all__ = ["Check", "check"]

_EXAMPLES = 20
_PROBLEMS = 5


@dataclass
class Check:
    """What a source looks like.

    Attributes:
        parts: Files found, or streams declared.
        size: Bytes in the files.
        records: Records looked at: the first of the first file, 50,000 at most; of a source
            that is read page by page, those of the first page of each stream.
        rejected: How many of these would be set aside.
        rounded: How many amounts would be rounded.
        examples: The first events, as they would be stored (none if all are rejected).
        problems: The first rejects: line, field, value, reason.
    """

    source: str
    parts: int
    size: int = 0
    records: int = 0
    rejected: int = 0
    rounded: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Count a batch in, and keep its first events and rejects to be looked at."""
        self.records += batch.records
        self.rejected += batch.rejects.height
        self.rounded += batch.rounded
        wanted = _PROBLEMS - len(self.problems)
        self.problems += batch.rejects.drop("raw").head(wanted).to_dicts()
        for event in batch.events.head(_EXAMPLES - len(self.examples)).to_dicts():
            del event["raw"], event["version"]
            self.examples.append(event | {"occurred_at": event["occurred_at"].isoformat()})

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON."""
        return asdict(self)


def check(source: Source, *, secrets: Secrets, now: datetime) -> Check:
    """Return what a sync of `source` would find, from its start.

    Args:
        source: What is declared.
        secrets: Where its secrets are looked up.
        now: The present instant, UTC.

    Raises:
        SourceError: It cannot be read, or lacks a column.
        RetriableError: It does not answer now.
    """
    if isinstance(source, FilesSource):
        found = connectors.parts(source, secrets)
        result = Check(source.name, len(found), sum(part.size for part in found))
        for batch in islice(connectors.read_part(source, found[0], secrets), 1):
            result.add(batch)
        return result
    assert isinstance(source, PagedSource)
    connector = source.connect(secrets)
    streams = connector.streams()
    result = Check(source.name, len(streams))
    for stream in streams:
        for page in islice(connector.read(stream, None, now=now), 1):
            result.add(page.batch)
    return result
