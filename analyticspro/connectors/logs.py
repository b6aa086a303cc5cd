"""The logs connector: reads what a log has grown by, across its rotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from analyticspro import events
from analyticspro.connectors.batch import REJECTS, Batch
from analyticspro.connectors.logs_events import LineEvents
from analyticspro.connectors.logs_generations import (
    Generation,
    Opened,
    Reached,
    Rest,
    found,
    from_cursor,
    opened,
    to_cursor,
)
from analyticspro.connectors.logs_lines import Line, lines
from analyticspro.connectors.page import Page
from analyticspro.connectors.records import RECORDS_PER_BATCH
from analyticspro.errors import SourceError
from analyticspro.events import WriteMode

if TYPE_CHECKING:
    from analyticspro.connectors.logs_source import LogsSource

__all__ = ["STREAM", "LogsConnector"]

STREAM = "lines"
_BYTES_PER_PAGE = 16_000_000


@dataclass
class _Progress:
    """How far each file is, while a sync goes over them.

    Attributes:
        known: From the cursor that the sync began with.
        reached: Of the files that were looked at now.
        matched: Those of `known` that are among them.
        told: The cursor of the last page.
    """

    known: list[Reached]
    told: str | None
    reached: list[Reached] = field(default_factory=list)
    matched: set[Reached] = field(default_factory=set)

    def gone(self) -> list[Reached]:
        """Return what was known and was not found again, so far."""
        return [item for item in self.known if item not in self.matched]

    def page(self, batch: Batch, *current: Reached) -> Page:
        """Return a page: of what was not looked at yet, it says what was known before."""
        self.told = to_cursor([*self.gone(), *self.reached, *current])
        return Page(batch, self.told)


class LogsConnector:
    """Reads one log."""

    def __init__(self, source: LogsSource) -> None:
        self.name = source.name
        self._live = Path(source.path)
        self._events = LineEvents(source, STREAM)

    def streams(self) -> Mapping[str, WriteMode]:
        """Return the one stream: a line that is read twice is the same event."""
        return {STREAM: WriteMode.APPEND}

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        """Yield the lines that came since `cursor`, those of rotated files first.

        The first sync reads every rotated file that is still there. A last line without its
        end waits for it, until its file can no longer grow.

        Raises:
            SourceError: There is no such log, or one of its files cannot be read; the others
                were read before it is raised.
        """
        generations = self._found(now)
        if not generations:
            raise SourceError(
                f"Source {self.name}: there is no {self._live}, nor a file that it was rotated "
                "to. Check path in sources.toml."
            )
        progress = _Progress(from_cursor(cursor), cursor)
        failure: SourceError | None = None
        for generation in generations:
            try:
                yield from self._read_file(generation, progress)
            except FileNotFoundError:
                continue  # rotated since it was listed: it has its next name next time
            except SourceError as error:
                failure = failure or error
            except OSError as error:
                failure = failure or self._unreadable(generation.path, error)
        if failure is not None:
            raise failure
        if self._found(now) == generations:
            yield from self._ended(progress)

    def _found(self, now: datetime) -> list[Generation]:
        try:
            return found(self._live, now)
        except OSError as error:
            raise self._unreadable(self._live.parent, error) from None

    def _unreadable(self, path: Path, error: OSError) -> SourceError:
        return SourceError(f"Source {self.name}: {path} cannot be read: {error.strerror}.")

    def _ended(self, progress: _Progress) -> Iterator[Page]:
        """Yield what is left to say once every file was looked at."""
        lost = [_lost(self._live, item) for item in progress.gone() if item.is_live]
        before, progress.known = progress.told, []
        nothing = pl.DataFrame(schema=events.SCHEMA)
        rejects = pl.DataFrame(lost, schema=REJECTS)
        page = progress.page(Batch(nothing, rejects, 0, len(lost), 0))
        if lost or page.cursor != before:
            yield page

    def _read_file(self, generation: Generation, progress: _Progress) -> Iterator[Page]:
        with opened(generation, progress.known) as file:
            if isinstance(file, Opened):
                if file.before is not None:
                    progress.matched.add(file.before)
                yield from self._pages(generation, file, progress)
            elif file is not None:
                progress.matched |= {item for item in progress.known if item.is_same_file(file)}
                progress.reached.append(file)

    def _pages(self, generation: Generation, file: Opened, progress: _Progress) -> Iterator[Page]:
        chunk: list[Line] = []
        size = 0
        rest: Rest = "nothing"
        for line in lines(file.content, file.offset):
            if not line.is_whole and not generation.is_final:
                rest = "part"
                break
            chunk.append(line)
            size += len(line.content)
            file.go_over(line)
            if len(chunk) >= RECORDS_PER_BATCH or size >= _BYTES_PER_PAGE:
                place = file.reached(rest="more", is_live=generation.is_live)
                yield progress.page(self._events.batch(chunk, file.head), place)
                chunk, size = [], 0
        place = file.reached(rest=rest, is_live=generation.is_live)
        if chunk:
            yield progress.page(self._events.batch(chunk, file.head), place)
        progress.reached.append(place)


def _lost(live: Path, item: Reached) -> dict[str, object]:
    return {
        "line": None,
        "field": None,
        "value": live.name,
        "reason": f"was removed or emptied after byte {item.offset}: what was written after "
        "that, if anything, could not be read",
        "raw": f"{live.name} {item.head}",
    }
