"""What a source of a log declares."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import polars as pl
from pydantic import Field, model_validator

from analyticspro.connectors.batch import Batch
from analyticspro.connectors.declaration import (
    Columns,
    EventName,
    EventRule,
    Mapped,
    Property,
    Stream,
    Time,
)
from analyticspro.connectors.logs import LogsConnector
from analyticspro.connectors.logs_events import LineEvents
from analyticspro.connectors.logs_lines import LINE_ID
from analyticspro.connectors.page import Connector, PagedSource
from analyticspro.extract.secret import Secrets

__all__ = ["LogsSource"]

# What only a log of requests has, and what only a log of JSON has.
_OF_REQUESTS = ("response_time", "client", "keep_query")
_OF_JSON = tuple(Mapped.model_fields)
# What went wrong is told by the event's name: an error rate is one name over the others.
_RULES = (
    EventRule(name="request_failed", column="status", starts_with="5"),
    EventRule(name="request_refused", column="status", starts_with="4"),
)


class LogsSource(PagedSource, Mapped):
    """A log that grows, and is rotated by renaming or by copying and truncating.

    Attributes:
        path: The live log, one file; relative to the folder of sources.toml. What it was
            rotated to is found beside it.
        format: `combined` and `common` are what web servers write of each request; `ndjson`
            is one JSON object a line, which the mapping makes an event of.
        response_time: Unit of the time that stands after the rest of the line (`s` is
            nginx' `$request_time` and Apache's `%T`, `us` is `%D`).
        client: How much is kept of the client's address. It is personal data, and nothing
            here needs it.
        keep_query: Parameters of query strings whose values are kept, in every address of
            the line; those of all others are never stored, since some are secrets.
        event: Needed for `ndjson` alone, and so is the rest of the mapping.
    """

    connector: Literal["logs"] = "logs"
    path: str
    format: Literal["combined", "common", "ndjson"] = "combined"
    response_time: Literal["s", "ms", "us"] | None = None
    client: Literal["drop", "network", "whole"] = "drop"
    keep_query: Columns = ()
    event: EventName = "request_served"
    occurred_at: Time = Field(default=Time(column="time", format="%d/%b/%Y:%H:%M:%S %z"))

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        given = self.model_fields_set
        foreign = _OF_REQUESTS if self.format == "ndjson" else _OF_JSON
        for name in foreign:
            if name in given:
                raise ValueError(
                    f"{name} says nothing about a log of format {self.format!r}; remove {name}"
                )
        for name in ("event", "occurred_at"):
            if self.format == "ndjson" and name not in given:
                raise ValueError(f"{name} is missing, which a log of format 'ndjson' needs")
        return self

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        path = (folder / Path(self.path).expanduser()).absolute()
        return self.model_copy(update={"path": str(path)})

    def connect(self, secrets: Secrets) -> Connector:
        """Return what reads the log; it has no secrets."""
        return LogsConnector(self)

    def remap(self, stream: str, rejects: pl.DataFrame) -> Batch:
        """Map lines anew that were set aside; those that are still wrong are rejects again."""
        return LineEvents(self, stream).remap(rejects)

    def mapped(self) -> Stream:
        """Return how the lines become events; without a key, a line is known by `LINE_ID`."""
        if self.format == "ndjson":
            declared = {name: getattr(self, name) for name in _OF_JSON}
        else:
            declared = _requests(self)
        stream = Stream.model_validate({**declared, "key": self.key or ("line",)})
        return stream if self.key else stream.model_copy(update={"key": (LINE_ID,)})


def _requests(source: LogsSource) -> dict[str, object]:
    properties = {
        "method": Property(column="method"),
        "path": Property(column="path"),
        "query": Property(column="query"),
        "status": Property(column="status", type="integer"),
        "bytes_sent": Property(column="bytes", type="integer"),
        "referrer": Property(column="referrer"),
        "agent": Property(column="agent"),
        "response_us": Property(column="response", type="integer"),
        "client": Property(column="client"),
    }
    absent = {
        "query": not source.keep_query,
        "referrer": source.format == "common",
        "agent": source.format == "common",
        "response_us": source.response_time is None,
        "client": source.client == "drop",
    }
    return {
        "event": source.event,
        "event_rules": _RULES,
        "occurred_at": source.occurred_at,
        "user_id": "user",
        "properties": {name: p for name, p in properties.items() if not absent.get(name)},
    }
