"""Does to a warehouse what the world does, and tells a model in plain Python the same."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from analyticspro.connectors.batch import REJECTS
from analyticspro.events import WriteMode
from analyticspro.policy import OWNER
from analyticspro.warehouse import Reader, Subject
from tests.ingest.agreement import INVARIANTS, ask
from tests.ingest.reading import Reading, quiet
from tests.ingest.world import BEFORE, MOMENTS, NUMBERS, PEOPLE, SAID, at, frame, record


class Machine(Reading):
    """All that may befall it."""

    looks_every = 1  # steps
    most_erased = 10  # each takes as long as ten of the other steps
    steps = erased = 0

    # Events that are pushed

    @rule(
        pushed=st.lists(st.tuples(NUMBERS, SAID), max_size=5),
        bad=st.lists(PEOPLE, max_size=2),
        lateness=st.none() | MOMENTS,
        ending=st.sampled_from(["commit", "commit", "fail"]),
    )
    def push(self, pushed: list[Any], bad: list[str], lateness: int | None, ending: str) -> None:
        watermark = None if lateness is None else at(lateness)
        records = [record(f"{number}", said) for number, said in pushed]
        raws = [json.dumps({"who": who}) for who in bad]
        aside = pl.DataFrame([{"reason": "no name", "raw": raw} for raw in raws], schema=REJECTS)
        now = datetime.now(UTC)
        try:
            with self.warehouse.writer() as writer, writer.commit(now):
                writer.store(
                    "site", "web", frame(records), mode=WriteMode.APPEND,
                    received_at=now, watermark=watermark,
                )  # fmt: skip
                writer.set_aside("site", "web", aside)
                if ending == "fail":
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.plain.store("site", "web", WriteMode.APPEND, records, late_before=watermark)
        told = [(raw, who, raw) for raw, who in zip(raws, bad, strict=True)]
        self._set_aside("site", "web", told)

    # What is kept, and what is not

    @precondition(lambda self: self.erased < self.most_erased and self.plain.live())
    @rule(who=PEOPLE, kinds=st.sampled_from([("customers",), ("users",), ("customers", "users")]))
    def erase(self, who: str, kinds: tuple[str, ...]) -> None:
        self.erased += 1
        subject = Subject(**dict.fromkeys(kinds, (who,)))
        self.warehouse.erasing.erase(
            subject, by="a", reason=None, at=datetime.now(UTC), progress=quiet
        )
        self.plain.erase(
            lambda record: record.payload[0] == who, lambda told: who in json.loads(str(told))
        )
        gone = {place: raw for place, (whose, raw) in self.rejects.items() if whose == who}
        self.buried |= set(gone.values())
        for place in gone:
            del self.rejects[place]

    @rule(before=BEFORE)
    def archive(self, before: datetime) -> None:
        self.warehouse.archive.run(before, at=datetime.now(UTC), progress=quiet)

    @rule(which=st.integers(0, 9))
    def write_a_file_of_the_archive_anew(self, which: int) -> None:
        found = self.warehouse.archive.partitions()
        if found:
            number = found[which % len(found)].number
            self.warehouse.archive.rewrite([number], datetime.now(UTC))

    @rule()
    def bring_the_rollups_up_to_date(self) -> None:
        self.warehouse.compact()

    # The process

    @rule()
    def restart(self) -> None:
        self.warehouse.close()
        self.open()

    @rule()
    def die(self) -> None:
        """Go on from what is on the disk, as after a kill."""
        left = shutil.copytree(self.home, self.folder / "left")
        self.warehouse.close()
        shutil.rmtree(self.home)
        left.rename(self.home)
        self.open()

    @rule(back=st.integers(0, 30))
    def ask_as_of_then(self, back: int) -> None:
        ask(self, back)

    @initialize()
    def begin(self) -> None:
        self.snapshots[0] = []

    @invariant()
    def holds(self) -> None:
        self.steps += 1
        with self.warehouse.reader(OWNER) as reader:
            self.snapshots[reader.revision()] = self.plain.live()
            if self.steps % self.looks_every == 0:
                self.look(reader)

    def look(self, reader: Reader) -> None:
        for check in INVARIANTS:
            check(self, reader)

    def teardown(self) -> None:
        try:
            with self.warehouse.reader(OWNER) as reader:
                self.look(reader)
        finally:
            super().teardown()
