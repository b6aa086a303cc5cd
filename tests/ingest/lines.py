"""A small connector for tests: streams that lie in files, a JSON object on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from analyticspro.connectors import Batch, Page, PagedSource
from analyticspro.connectors.declaration import Stream
from analyticspro.connectors.mapping import Mapping as Mapped
from analyticspro.connectors.records import frame
from analyticspro.errors import RetriableError, SourceError
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets

__all__ = ["Lines", "LinesSource", "append", "declared"]

COLUMNS = ("id", "at", "who", "paid", "n")
_RAISES = {"!later": RetriableError("Not now."), "!broken": SourceError("It is broken.")}


class LinesSource(PagedSource):
    """Streams in the files of a folder.

    Attributes:
        page: Lines in a page.
        lookback: Lines that are read again before the cursor.
    """

    connector: Literal["lines"] = "lines"
    folder: Path
    streams: dict[str, Stream]
    page: int = 2
    lookback: int = 0

    def connect(self, secrets: Secrets) -> Lines:
        return Lines(self)


class Lines:
    """Reads them. A line `!later` or `!broken` is an error, once all before it was given."""

    def __init__(self, source: LinesSource) -> None:
        self.name, self._source = source.name, source

    def streams(self) -> Mapping[str, WriteMode]:
        return {name: stream.write_mode for name, stream in self._source.streams.items()}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        mapping = Mapped(self._source.streams[stream], self.name, stream)
        file = self._source.folder / f"{stream}.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        done = json.loads(cursor)["line"] if cursor is not None else 0
        start = max(0, done - self._source.lookback)
        if done == len(lines):
            return
        for at in range(start, len(lines), self._source.page):
            chosen = lines[at : at + self._source.page]
            stops = [n for n, line in enumerate(chosen) if line in _RAISES]
            good = chosen[: stops[0]] if stops else chosen
            if good:
                yield self._page(mapping, good, at)
            if stops:
                raise _RAISES[chosen[stops[0]]]

    @staticmethod
    def _page(mapping: Mapped, lines: list[str], start: int) -> Page:
        rows = [
            (start + at + 1, start + at + 1, [json.loads(line).get(name) for name in COLUMNS])
            for at, line in enumerate(lines)
        ]
        events, rejects, rounded = mapping.apply(frame(COLUMNS, rows))
        end = start + len(lines)
        batch = Batch(events, rejects, rounded, len(lines), end)
        return Page(batch, json.dumps({"line": end}))


def declared(
    folder: Path, *, name: str = "till", mapping: dict[str, Any] | None = None, **changes: Any
) -> LinesSource:
    """Return a source with an `orders` stream (merge, by `n`) and a `visits` stream (append).

    `mapping` is of both streams, `changes` of the source.
    """
    stream: dict[str, Any] = {
        "key": ["id"], "event": "order_placed", "occurred_at": "at", "customer_id": "who",
        "amount": "paid", "currency": "GBP", **(mapping or {}),
    }  # fmt: skip
    version = {"version": {"column": "n", "format": "number"}}
    visits = stream | {"event": "page_viewed", "amount": None, "currency": None}
    streams = {"orders": stream | version, "visits": visits}
    return LinesSource.model_validate(
        {"name": name, "folder": folder, "streams": streams} | changes
    )


def append(folder: Path, stream: str, *records: dict[str, Any] | str) -> None:
    """Add records to a stream, or lines as they are."""
    with (folder / f"{stream}.jsonl").open("a") as file:
        for record in records:
            file.write(record if isinstance(record, str) else json.dumps(record))
            file.write("\n")
