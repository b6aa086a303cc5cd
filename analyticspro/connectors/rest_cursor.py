"""What tells what is new in a list: reads it from records, asks for it, keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from analyticspro.connectors.rest_records import field_of
from analyticspro.connectors.rest_source import Cursor, RestStream
from analyticspro.connectors.values import EPOCHS, instant, integer
from analyticspro.errors import DataError, DefinitionError, SettingError
from analyticspro.extract import Progress, Record, Value

__all__ = ["Newness", "in_range"]

# What the source may let appear late, if nothing is declared: seconds.
_LOOKBACK = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Newness:
    """The cursor of one stream, as it is declared; without one, all is read at each sync."""

    def __init__(self, stream: RestStream) -> None:
        self._cursor = stream.cursor
        self._zone = ZoneInfo(stream.timezone)
        asked = stream.cursor and stream.cursor.model_dump(
            mode="json", exclude={"lookback", "until"}
        )
        self._of = _digest([stream.path, stream.parameters, asked])
        pages = stream.paging and stream.paging.model_dump(mode="json")
        self._paged = _digest([self._of, pages, stream.records, stream.key])
        self._start = self._first_since(stream.cursor)

    def kept(self, cursor: str | None) -> Progress:
        """Return what `cursor` says, or nothing where it was written for another declaration.

        What is asked for has been changed: all is read again. Only how it is paged: the walk
        is begun anew.
        """
        given = {} if cursor is None else json.loads(cursor)
        if given.get("of") != self._of:
            return Progress()
        progress = Progress.from_json(given["progress"])
        return progress if given.get("paged") == self._paged else progress.anew()

    def text(self, progress: Progress) -> str:
        """Return `progress` as the cursor to keep."""
        kept = {"of": self._of, "paged": self._paged, "progress": progress.to_json()}
        return json.dumps(kept, ensure_ascii=False)

    def parameters(self, progress: Progress) -> dict[str, str]:
        """Return the parameter that asks for what is new since `progress`, less the lookback."""
        cursor = self._cursor
        since = self._start if progress.since is None else self._behind(progress.since)
        if cursor is None or cursor.parameter is None or since is None:
            return {}
        return {cursor.parameter: self.written(since)}

    def values(self, records: Iterable[Record]) -> list[Value]:
        """Return what the records say of when they were changed; those that say nothing, not."""
        found = (self._value(record) for record in records)
        return [value for value in found if value is not None]

    def is_known(self, values: list[Value], progress: Progress) -> bool:
        """Return whether a page of a list that begins with the newest holds known ones only."""
        if self._cursor is None or not self._cursor.newest_first or progress.since is None:
            return False
        since = self._behind(progress.since)
        return bool(values) and all(value < since for value in values)  # type: ignore[operator]

    @property
    def field(self) -> str | None:
        """The field of a record; None where all is read at each sync."""
        return None if self._cursor is None else self._cursor.field

    def _value(self, record: Record) -> Value | None:
        if self._cursor is None:
            return None
        text = field_of(record.value, self._cursor.field)
        try:
            return None if text is None else self._read(text, self._cursor)
        except (DataError, ValueError):
            return None

    def _read(self, text: str, cursor: Cursor) -> Value:
        if cursor.format == "number":
            return integer(text)
        return instant(text, () if cursor.format is None else (cursor.format,), self._zone)

    def _first_since(self, cursor: Cursor | None) -> Value | None:
        if cursor is None or cursor.start is None:
            return None
        try:
            return self._read(cursor.start, cursor)
        except (DataError, ValueError):
            raise SettingError(
                f"cursor.start is {cursor.start!r}, which is not written as cursor.format says."
            ) from None

    def _behind(self, since: Value) -> Value:
        lookback = None if self._cursor is None else self._cursor.lookback
        if isinstance(since, int):
            return since - (lookback or 0)
        seconds = timedelta(seconds=_LOOKBACK if lookback is None else lookback)
        return max(_EPOCH, since - seconds)

    def written(self, since: Value) -> str:
        """Return `since` as the source writes it; what its format cannot hold is cut off."""
        if isinstance(since, int):
            return str(since)
        form = None if self._cursor is None else self._cursor.format
        if form is None:
            return since.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if form in EPOCHS:
            microseconds = (since - _EPOCH) // timedelta(microseconds=1)
            return str(microseconds // EPOCHS[form])
        return since.astimezone(UTC if "%z" in form else self._zone).strftime(form)


def in_range(stream: RestStream, since: datetime, until: datetime) -> RestStream:
    """Return `stream` as if it were declared to begin at `since` and to end before `until`.

    Raises:
        DefinitionError: Its cursor counts, and no time is known of a number.
    """
    cursor = stream.cursor
    if cursor is None or cursor.parameter is None:
        return stream  # it is read whole
    if cursor.format == "number":
        raise DefinitionError(
            f"What orders {stream.path} is a number ({cursor.field}), so no range of time can be "
            "read. A change of cursor.start has all be read again, which doubles nothing."
        )
    newness = Newness(stream)
    begin = cursor.model_copy(update={"start": newness.written(since)})
    end = {} if cursor.until is None else {cursor.until: newness.written(until)}
    return stream.model_copy(update={"cursor": begin, "parameters": stream.parameters | end})


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=8).hexdigest()
