"""Turns lines of a log into events."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import polars as pl

from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.jsonl_format import read_jsonl
from analyticspro.connectors.logs_lines import LINE_ID, LONGEST_LINE, Line
from analyticspro.connectors.logs_privacy import redacted
from analyticspro.connectors.logs_requests import COLUMNS, request
from analyticspro.connectors.mapping import Mapping
from analyticspro.connectors.records import LINE, RAW, Records, frame, set_aside
from analyticspro.errors import DataError
from analyticspro.events import SCHEMA

if TYPE_CHECKING:
    from analyticspro.connectors.files_source import FilesSource
    from analyticspro.connectors.logs_source import LogsSource

__all__ = ["LineEvents"]

# Of a line that is too long, so much is kept.
_SHOWN = 1_000
# Ends a reject's reason: what its record is known by, should it turn out to be good.
_PLACE = re.compile(r" \(at byte ([0-9]+) of file ([0-9a-f]{16})\)$")


class LineEvents:
    """Makes events of lines, as their source declares.

    A line is known by its text, its offset, and what its file begins with: the same line,
    read again under whatever name of the file, is the same event, and two equal lines are two.
    """

    def __init__(self, source: LogsSource, stream: str) -> None:
        self._source = source
        self._stream = stream
        self._declared = source.mapped()

    def batch(self, chunk: Sequence[Line], head: str) -> Batch:
        """Return the events of some consecutive lines; blank lines are passed over.

        Args:
            chunk: At least one.
            head: What the file is known by.
        """
        whole: list[Line] = []
        broken: list[dict[str, object]] = []
        for line in chunk:
            # A log that was emptied under a writer that does not append begins with NULs.
            content = line.content.lstrip(b"\0")
            if not content.strip():
                continue
            if len(line.content) > LONGEST_LINE:
                reason = f"is longer than {LONGEST_LINE:,} bytes"
                broken.append(set_aside(line.offset, reason, self._text(content[:_SHOWN])))
            else:
                whole.append(replace(line, content=content))
        events, rejects, rounded = self._mapped(whole, head, broken)
        return Batch(events, rejects, rounded, len(whole) + len(broken), chunk[-1].end)

    def remap(self, rejects: pl.DataFrame) -> Batch:
        """Return what becomes of lines that were set aside, as events known as ever.

        A reject that is no line, such as one of lines that were lost, stays as it is.
        """
        lines: dict[str, list[Line]] = {}
        kept = []
        for reject in rejects.iter_rows(named=True):
            place = _PLACE.search(reject["reason"])
            if place is None or reject["raw"] is None:
                kept.append(reject)
                continue
            content, offset = reject["raw"].encode(), int(place[1])
            lines.setdefault(place[2], []).append(Line(offset, offset, content, b"", True))
        made = [self._mapped(some, head, []) for head, some in lines.items()]
        nothing = pl.DataFrame(schema=SCHEMA)
        return Batch(
            pl.concat([nothing, *(events for events, _, _ in made)]),
            pl.concat([pl.DataFrame(kept, schema=REJECTS), *(wrong for _, wrong, _ in made)]),
            sum(rounded for _, _, rounded in made),
            rejects.height,
            0,
        )

    def _mapped(
        self, whole: list[Line], head: str, broken: list[dict[str, object]]
    ) -> tuple[pl.DataFrame, pl.DataFrame, int]:
        is_json = self._source.format == "ndjson"
        records = self._objects(whole) if is_json else self._requests(whole)
        ids = {line.offset: self._line_id(head, line) for line in whole}
        rows = records.rows.with_columns(
            pl.Series(LINE_ID, [ids[offset] for offset in records.rows[LINE]], pl.String)
        )
        mapping = Mapping(self._declared, self._source.name, self._stream)
        events, rejects, rounded = mapping.apply(rows)
        if not is_json:
            raws = [json.dumps(raw, ensure_ascii=False) for raw in events["raw"]]
            events = events.with_columns(pl.Series("raw", raws, pl.String))
        aside = pl.DataFrame([*broken, *records.broken], schema=REJECTS)
        return events, _placed(pl.concat([aside, rejects]).sort("line"), head), rounded

    def _requests(self, whole: list[Line]) -> Records:
        rows, raws, broken = [], [], []
        for row, line in enumerate(whole):
            raw = self._text(line.content)
            try:
                rows.append((line.offset, row, request(self._source, raw)))
            except DataError as error:
                broken.append(set_aside(line.offset, str(error), raw))
            else:
                raws.append(raw)
        texts = frame(COLUMNS, rows).with_columns(pl.Series(RAW, raws, pl.String))
        return Records(texts, broken, len(whole))

    def _objects(self, whole: list[Line]) -> Records:
        content = b"\n".join(line.content for line in whole).decode("utf-8", "surrogateescape")
        # It asks the source for nothing but its columns.
        source = cast("FilesSource", self._source)
        chunks = list(read_jsonl(source, self._source.path, io.StringIO(content)))
        broken = [item for records in chunks for item in records.broken]
        for item in broken:
            item["line"] = whole[cast("int", item["line"]) - 1].offset
        nothing = frame(sorted(self._source.columns()), [])
        empty = nothing.with_columns(pl.Series(RAW, [], pl.String))
        numbered = pl.concat([empty, *(records.rows for records in chunks)])
        offsets = [whole[number - 1].offset for number in numbered[LINE]]
        rows = numbered.with_columns(pl.Series(LINE, offsets, pl.Int64))
        return Records(rows, broken, len(whole))

    def _text(self, content: bytes) -> str:
        """Return a line as it may be stored; a byte that is no UTF-8 stands as its number."""
        text = content.decode("utf-8", "backslashreplace")
        if self._source.format == "ndjson":
            return text
        return redacted(text, client=self._source.client, keep_query=self._source.keep_query)

    def _line_id(self, head: str, line: Line) -> str:
        """Return what a line is known by; settings of privacy and what it leaves out are no part.

        So it can be told from the line as it is stored, too.
        """
        text = line.content.strip().decode("utf-8", "backslashreplace")
        known = text if self._source.format == "ndjson" else redacted(text, client="drop")
        place = f"{head}:{line.offset}:{known}".encode()
        return hashlib.blake2b(place, digest_size=16).hexdigest()


def _placed(rejects: pl.DataFrame, head: str) -> pl.DataFrame:
    """Return the rejects with their place told in the reason: a log has no line numbers."""
    reason = pl.format("{} (at byte {} of file {})", "reason", "line", pl.lit(head))
    return rejects.with_columns(reason.alias("reason"), pl.lit(None, pl.Int64).alias("line"))
