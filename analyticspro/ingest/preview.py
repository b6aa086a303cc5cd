"""Shows what is in a source before it is connected, and how it could be. Nothing is stored."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from analyticspro import connectors
from analyticspro.connectors import Batch, FilesSource, PagedSource, Source
from analyticspro.connectors.declaration import Mapped
from analyticspro.connectors.looks import look
from analyticspro.connectors.proposing import Proposal, plain_name, propose
from analyticspro.connectors.sampling import Row, Sample, fields_of, sample
from analyticspro.connectors.toml_text import toml
from analyticspro.errors import DefinitionError
from analyticspro.extract.secret import Secrets
from analyticspro.ingest.check import check

__all__ = ["Preview", "preview", "preview_file"]

_SHOWN = 20
_EXAMPLE = 60  # characters


@dataclass
class Preview:
    """What a source, or a stream of it, looks like.

    Attributes:
        name: The source's, with the stream's behind a dot; or of a file.
        looked_at: How many records the rest is told from.
        fields: Of each its name, kind, `filled` (how many have it), `role` (what it is, or
            could be, taken for; null for nothing) and an example.
        records: The first 20, field by field; of what has no fields, its text as `record`.
        rejected: How many of them would be set aside as it is declared, or proposed.
        declaration: What to put into sources.toml; null for what is declared already, and
            where something that is needed was not found.
        lacking: What that is.
    """

    name: str
    looked_at: int
    fields: list[dict[str, Any]] = field(default_factory=list)
    records: list[Row] = field(default_factory=list)
    rejected: int = 0
    declaration: str | None = None
    lacking: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the preview as plain JSON."""
        return asdict(self)


def preview_file(file: Path, *, currency: str, secrets: Secrets, now: datetime) -> Preview:
    """Return what is in a file of which nothing is declared, and how it could be read.

    Args:
        file: CSV, JSON lines or Parquet; gzip or zstd, whatever it is called.
        currency: Of its amounts, where no column tells.
        secrets: As for `check`.
        now: The present instant, UTC.

    Raises:
        SourceError: It cannot be read as any of these.
    """
    found = sample(file)
    name = _source_name(file.name)
    proposal = propose(found, file.name, currency=currency)
    told = _preview(name, found, proposal)
    if proposal.lacking is None:
        settings = {"connector": "files", "path": str(file.absolute()), **found.settings}
        declaration = toml(f"sources.{name}", settings | proposal.settings, proposal.notes) + "\n"
        [table] = tomllib.loads(declaration)["sources"].values()
        source = connectors.parse({"name": name, **table}, str(file))
        told.rejected = check(source, secrets=secrets, now=now).rejected
        told.declaration = declaration
    return told


def preview(source: Source, *, secrets: Secrets, now: datetime) -> Iterator[Preview]:
    """Yield what a declared source holds, stream by stream: its first page.

    Args:
        source: What is declared.
        secrets: Where its secrets are looked up.
        now: The present instant, UTC.

    Raises:
        SourceError: It cannot be read.
        RetriableError: It does not answer now.
    """
    if isinstance(source, FilesSource):
        [first, *_] = connectors.parts(source, secrets)
        batches = connectors.read_part(source, first, secrets)
        yield _of_batches(source.name, source, islice(batches, 1))
        return
    if not isinstance(source, PagedSource):
        raise DefinitionError(f"Source {source.name} cannot be looked at.")
    connector = source.connect(secrets)
    for stream in connector.streams():
        pages = islice(connector.read(stream, None, now=now), 1)
        mapped = getattr(source, "streams", {}).get(stream)
        yield _of_batches(f"{source.name}.{stream}", mapped, (page.batch for page in pages))


def _of_batches(name: str, mapped: Mapped | None, batches: Iterator[Batch]) -> Preview:
    raws: list[str] = []
    rejected = records = 0
    for batch in batches:
        found = pl.concat([batch.events["raw"], batch.rejects["raw"]]).drop_nulls()
        raws += found.head(1000).to_list()
        rejected += batch.rejects.height
        records += batch.records
    rows = [_fields(raw) for raw in raws]
    roles = {} if mapped is None else _roles(mapped)
    told = _preview(name, Sample({"format": "read"}, rows), Proposal(roles=roles))
    told.rejected = rejected
    return told


def _fields(raw: str) -> dict[str, str | None]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    return fields_of(value) if isinstance(value, dict) else {"record": raw}


def _roles(mapped: Mapped) -> dict[str, str]:
    roles = {declared.column: f"property {name}" for name, declared in mapped.properties.items()}
    for role in ("customer_id", "user_id", "session_id"):
        column = getattr(mapped, role)
        if column is not None:
            roles[column] = role
    if mapped.amount is not None:
        roles |= dict.fromkeys(mapped.amount.product, "amount")
        if mapped.amount.currency_column:
            roles[mapped.amount.currency_column] = "currency"
    roles[mapped.occurred_at.column] = "occurred_at"
    return roles | dict.fromkeys(mapped.key, "key")


def _preview(name: str, found: Sample, proposal: Proposal) -> Preview:
    return Preview(
        name,
        len(found.rows),
        [_field(column, found.rows, proposal) for column in found.columns],
        [dict(row) for row in found.rows[:_SHOWN]],
        lacking=proposal.lacking,
    )


def _field(column: str, rows: Sequence[Row], proposal: Proposal) -> dict[str, Any]:
    values = [row.get(column) for row in rows]
    seen = proposal.looks.get(column) or look(plain_name(column), values, None)
    example = next((value for value in values if value is not None), None)
    return {
        "field": column,
        "kind": seen.kind,
        "filled": seen.filled,
        "role": proposal.roles.get(column),
        "example": example and example[:_EXAMPLE],
    }


def _source_name(name: str) -> str:
    stem = name.split(".")[0] or name
    plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:60]
    return plain if plain[:1].isalpha() else f"source_{plain}"[:60].rstrip("_")
