"""Files and streams that are synced into a warehouse, and told to a model in plain Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from analyticspro.events import WriteMode
from analyticspro.ingest import Report, replay, sync
from analyticspro.warehouse import Warehouse
from tests.ingest.lines import append, declared
from tests.ingest.shop import Shop
from tests.ingest.world import (
    LINES,
    MAPPING,
    ROWS,
    STREAMS,
    Line,
    csv_line,
    json_line,
    record,
    streamed,
)
from tests.local import NoSecrets
from tests.warehouse.plain import Copy, Plain

PAGE = 2
FILES = st.sampled_from(["a.csv", "b.csv"])
NAMES = st.sampled_from(sorted(STREAMS))
Place: TypeAlias = tuple[str, str, object]  # source, part; its line, or the record itself


def quiet(*_: object) -> None:
    """Nobody looks on."""


class Reading(RuleBasedStateMachine):
    """The warehouse, what is read into it, and the model."""

    empty: Path  # an empty warehouse to copy, which is quicker than to make one

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="machine-"))
        self.home = self.folder / "home"
        (self.folder / "files").mkdir()
        self.home.mkdir()
        shutil.copy(self.empty, self.home / "w.duckdb")
        self.plain = Plain()
        self.files: dict[str, list[Any]] = {}
        self.synced: dict[str, list[Any]] = {}
        self.newest: dict[str, datetime | None] = {}  # of each whole file
        self.lines: dict[str, list[Line]] = {stream: [] for stream in STREAMS}
        self.read: dict[str, int] = dict.fromkeys(STREAMS, 0)
        self.complete: set[str] = set()
        self.rejects: dict[Place, tuple[str, str]] = {}  # whose, and the record
        self.buried: set[str] = set()
        self.snapshots: dict[int, list[tuple[str, Copy]]] = {}
        self.open()

    def open(self) -> None:
        self.warehouse = Warehouse.open(self.home / "w.duckdb", backups=self.folder)
        self.shop = Shop(self.folder / "files", self.warehouse)

    def teardown(self) -> None:
        self.warehouse.close()
        shutil.rmtree(self.folder)

    # Files, replaced as a whole

    @rule(
        name=FILES,
        how=st.sampled_from(["anew", "more", "less"]),
        rows=ROWS,
        is_synced=st.booleans(),
    )
    def change_a_file(self, name: str, how: str, rows: list[Any], is_synced: bool) -> None:
        before = [] if how == "anew" else self.files.get(name, [])
        self.files[name] = before[:-1] if how == "less" else [*before, *rows]
        self.shop.write(*map(csv_line, self.files[name]), name=name)
        if is_synced:
            self.sync_the_files()

    @rule()
    def sync_the_files(self) -> None:
        self._read_files(self.shop.sync(user_id="who"))

    @rule()
    def replay_the_files(self) -> None:
        source = self.shop.declared(user_id="who")
        done = replay(source, self.warehouse, secrets=NoSecrets(), progress=quiet)
        self.synced = {}  # all of them are read again
        self._read_files(done)

    def _read_files(self, report: Report) -> None:
        if not self.files:
            assert report.error is not None  # nothing matches the pattern
            return
        assert report.error is None
        whole = [newest for newest in self.newest.values() if newest]
        watermark = max(whole) if whole else None
        for name in sorted(self.files):
            if self.synced.get(name) != self.files[name]:
                self._read_file(name, watermark)

    def _read_file(self, name: str, watermark: datetime | None) -> None:
        rows = self.synced[name] = self.files[name]
        records = [
            record(f"shop:{name}:{number}", row)
            for number, row in enumerate(rows, start=1)
            if not isinstance(row, str)
        ]
        self.plain.store("shop", name, WriteMode.REPLACE, records, late_before=watermark)
        copies = self.plain.copies
        seen = {copies["shop", one.id].seq for one in records if ("shop", one.id) in copies}
        self.plain.retract("shop", name, seen=seen)
        times = [
            copy.record.at
            for source, copy in self.plain.live()
            if (source, copy.part) == ("shop", name) and copy.record.at
        ]
        self.newest[name] = max(times, default=None)
        bad = {n: row for n, row in enumerate(rows, start=2) if isinstance(row, str)}
        for place in [place for place in self.rejects if place[:2] == ("shop", name)]:
            if place[2] not in bad or self.rejects[place][0] != bad[place[2]]:  # type: ignore[index]
                del self.rejects[place]
        self._set_aside("shop", name, [(n, who, csv_line(who)) for n, who in bad.items()])

    # Streams, read page by page

    @rule(stream=NAMES, lines=st.lists(LINES, min_size=1, max_size=5), is_synced=st.booleans())
    def grow_a_stream(self, stream: str, lines: list[Line], is_synced: bool) -> None:
        self.lines[stream] += lines
        append(self.folder, stream, *map(json_line, lines))
        if is_synced:
            self._sync_streams()

    @rule(stream=NAMES, error=st.sampled_from(["!later", "!broken"]))
    def break_a_stream_off(self, stream: str, error: str) -> None:
        """Sync while a stream ends in an error, which is mended after."""
        append(self.folder, stream, error)
        self._sync_streams(broken=stream)
        file = self.folder / f"{stream}.jsonl"
        file.write_text("".join(f"{line}\n" for line in file.read_text().splitlines()[:-1]))

    @rule(lookback=st.integers(0, 3), is_corrected=st.booleans())
    def sync_the_streams(self, lookback: int, is_corrected: bool) -> None:
        self._sync_streams(lookback=lookback, is_corrected=is_corrected)

    def _sync_streams(
        self, *, lookback: int = 0, is_corrected: bool = False, broken: str | None = None
    ) -> None:
        mapping = MAPPING[is_corrected]
        source = declared(self.folder, page=PAGE, lookback=lookback, mapping=mapping)
        report = sync(source, self.warehouse, secrets=NoSecrets(), progress=quiet)
        assert (report.error is None) == (broken is None)
        before = set(self.complete)
        for stream in STREAMS:
            self._read_stream(stream, lookback, stream in before, is_corrected)
            if stream == broken:
                break
            self.complete.add(stream)

    def _read_stream(
        self, stream: str, lookback: int, was_complete: bool, is_corrected: bool
    ) -> None:
        lines = self.lines[stream]
        if self.read[stream] == len(lines):
            return
        for start in range(max(0, self.read[stream] - lookback), len(lines), PAGE):
            page = list(enumerate(lines[start : start + PAGE], start=start + 1))
            good = [line for _, line in page if is_corrected or not line[3]]
            self._store_lines(stream, good, was_complete)
            bad = [(n, line) for n, line in page if line not in good]
            self._set_aside_lines(stream, bad)
        self.read[stream] = len(lines)

    @rule(is_corrected=st.booleans())
    def replay_the_streams(self, is_corrected: bool) -> None:
        source = declared(self.folder, mapping=MAPPING[is_corrected])
        report = replay(source, self.warehouse, secrets=NoSecrets(), progress=quiet)
        assert report.error is None
        for stream in sorted(STREAMS):
            taken = [place for place in self.rejects if place[:2] == ("till", stream)]
            for place in taken:
                del self.rejects[place]
            counts = self.plain.counted("till")
            counts["seen"] -= len(taken)
            counts["rejected"] -= len(taken)
            numbers = [place[2] for place in taken if isinstance(place[2], int)]
            chosen = [(n, self.lines[stream][n - 1]) for n in numbers]
            if is_corrected:
                again = [line for _, line in chosen]
                self._store_lines(stream, again, stream in self.complete)
            else:
                self._set_aside_lines(stream, chosen)

    def _store_lines(self, stream: str, lines: Sequence[Line], was_complete: bool) -> None:
        # All that is read here happened long before any sync.
        late_before = datetime.now(UTC) if was_complete else None
        records = [streamed(stream, line) for line in lines]
        self.plain.store("till", stream, STREAMS[stream], records, late_before=late_before)

    def _set_aside_lines(self, stream: str, lines: Sequence[tuple[int, Line]]) -> None:
        told = [(n, line[1][1], json.dumps(json_line(line))) for n, line in lines]
        self._set_aside("till", stream, told)

    def _set_aside(self, source: str, part: str, told: Sequence[tuple[object, str, str]]) -> None:
        counts = self.plain.counted(source)
        counts["seen"] += len(told)
        counts["rejected"] += len(told)
        for where, who, raw in told:
            if raw not in self.buried:
                self.rejects.setdefault((source, part, where), (who, raw))
