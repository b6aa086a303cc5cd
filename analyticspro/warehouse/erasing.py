"""Erases a person: what was stored of their events, wherever it is, so that it stays away.

It goes by stages, each one transaction, and each can be told to be done or not. A kill before
the first leaves all as it was; after that, whoever opens the warehouse next goes on.

1. `hidden`: their versions are retracted (those in the archive are brought back first), and
   their ids are known as dead. From then on no figure counts them, and no sync brings them.
2. `deleted`: sums, members and sessions have followed; the versions, what was set aside of
   the person, and what these left in sums, are deleted.
3. `unfiled`: the files of the archive that held them are written anew; nothing in the tables
   says any more who it was.
4. `done`: the warehouse's file is written anew, as a file keeps what was deleted in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from analyticspro.warehouse.archive import Archive
from analyticspro.warehouse.clearing import clear_conflicts, clear_rejects, clear_sums
from analyticspro.warehouse.database import Database
from analyticspro.warehouse.properties import Properties
from analyticspro.warehouse.remaking import remade
from analyticspro.warehouse.subject import Subject
from analyticspro.warehouse.traces import is_noted, known_again, next_number, note_nobody, trace
from analyticspro.warehouse.writer import Writer

__all__ = ["Erasing", "Rooms"]

STAGES = ("hidden", "deleted", "unfiled", "done")

# Versions that name the person; and all others of an event whose newest version does.
_THEIRS = """
    WITH named AS (
        SELECT seq, id_high, id_low FROM events
        WHERE customer_id = ANY($customers) OR user_id = ANY($users)),
    versions AS (
        SELECT seq, revision, id_high, id_low, seq IN (SELECT seq FROM named) AS is_named
        FROM events SEMI JOIN named USING (id_high, id_low))
    SELECT * FROM (
        SELECT *, arg_max(is_named, seq) OVER (PARTITION BY id_high, id_low) AS is_theirs
        FROM versions)
    WHERE is_named OR is_theirs"""
_GONE = "(FROM hot SEMI JOIN (FROM erasing WHERE number = {number:d}) USING (seq))"


@dataclass(frozen=True)
class Rooms:
    """What an erasure goes through.

    Attributes:
        database: The open file.
        file: Where that is.
        zone: Whose days and months are rolled up.
        writing: Held by whoever writes.
        compacting: Held by whoever brings rollups and sessions up to date.
        writer: Gives the writer.
        compact: Brings rollups and sessions up to date.
    """

    database: Database
    file: Path
    zone: str
    writing: threading.Lock
    compacting: threading.Lock
    writer: Callable[[], AbstractContextManager[Writer]]
    compact: Callable[[], None]


class Erasing:
    """Erases persons from an open warehouse."""

    def __init__(self, rooms: Rooms, archive: Archive, properties: Properties) -> None:
        self._rooms = rooms
        self._archive = archive
        self._properties = properties

    def erase(
        self,
        subject: Subject,
        *,
        by: str,
        reason: str | None,
        at: datetime,
        progress: Callable[[int, int], None],
        again: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Erase all that is of `subject`; return the receipt.

        Args:
            subject: Who.
            by: Whose doing it is.
            reason: Why; None if nobody said.
            at: Now, UTC.
            progress: Called with stages done, and stages in all.
            again: The receipt of the erasure that this one repeats.

        Raises:
            RetriableError: No space is left, or somebody reads for too long. What was done
                stands; `finish` goes on.
        """
        with self._archive.still():
            number = self._hide(subject, by, reason, at, again)
            return self._go_on(number, at, progress)

    def is_known(self, receipt: dict[str, Any]) -> bool:
        """Tell whether an erasure was done in this warehouse, here or before it was copied."""
        with self._rooms.database.cursor() as cursor:
            return is_noted(cursor, receipt)

    def repeat(self, receipt: dict[str, Any], *, at: datetime) -> dict[str, Any]:
        """Erase again, from an older copy, whom `receipt` tells of; return the new receipt.

        Raises:
            RetriableError: As `erase`; it may not have begun.
        """
        with self._rooms.database.cursor() as cursor:
            subject = known_again(cursor, receipt["trace"])
        if subject is None:
            with self._rooms.writing, self._rooms.database.cursor() as cursor:
                return note_nobody(cursor, receipt, at)
        return self.erase(
            subject,
            by=receipt["by"],
            reason=receipt["reason"],
            at=at,
            progress=lambda done, total: None,
            again=receipt,
        )

    def finish(self, at: datetime) -> list[dict[str, Any]]:
        """Go on with what was interrupted; return the receipts of what that was."""
        with self._archive.still():
            with self._rooms.database.cursor() as cursor:
                found = cursor.execute(
                    "SELECT number FROM erasures WHERE stage <> 'done' ORDER BY number"
                ).fetchall()
            return [self._go_on(number, at, lambda done, total: None) for (number,) in found]

    def receipts(self) -> list[dict[str, Any]]:
        """Return the receipts of all that was erased, the oldest first."""
        with self._rooms.database.cursor() as cursor:
            found = cursor.execute(
                "SELECT receipt FROM erasures WHERE stage = 'done' ORDER BY number"
            ).fetchall()
        return [json.loads(receipt) for (receipt,) in found]

    def _hide(
        self,
        subject: Subject,
        by: str,
        reason: str | None,
        at: datetime,
        again: dict[str, Any] | None,
    ) -> int:
        with self._rooms.writer() as writer, writer.commit(at) as revision:
            connection = writer.connection
            found = _frame(connection, _THEIRS, subject.values())
            seqs = found["seq"].to_numpy()
            archived = writer.bring_back(seqs)
            live = writer.retract(seqs, note="erased")
            dead = found.filter("is_theirs").unique(["id_high", "id_low"])
            writer.bury(dead["id_high"].to_numpy(), dead["id_low"].to_numpy())
            number = next_number(connection)
            receipt = {
                "erasure": number,
                "subject": subject.sealed(),
                "asked_at": at.astimezone(UTC).isoformat(),
                "by": by,
                "reason": reason,
                "revision": revision,
                "first_revision": found["revision"].min(),
                "events": live,
                "older_versions": len(seqs) - live,
                "of_these_archived": archived,
                "ids_kept_out": dead.height,
                "trace": trace(connection, subject),
            }
            if again is not None:
                receipt["repeats"] = again["subject"]
            with writer.given("gone", pl.DataFrame({"number": number, "seq": found["seq"]})):
                connection.execute("INSERT INTO erasing SELECT number, seq FROM gone")
            connection.execute(
                "INSERT INTO erasures VALUES ($number, $revision, 'hidden', $subject, $receipt)",
                {
                    "number": number,
                    "revision": revision,
                    "subject": subject.to_json(),
                    "receipt": json.dumps(receipt),
                },
            )
            return number

    def _go_on(
        self, number: int, at: datetime, progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        steps = {"hidden": self._delete, "deleted": self._unfile, "unfiled": self._remake}
        while (stage := self._told(number)[0]) != "done":
            progress(STAGES.index(stage) + 1, len(STAGES))
            steps[stage](number, at)
        progress(len(STAGES), len(STAGES))
        receipt: dict[str, Any] = self._told(number)[2]
        return receipt

    def _told(self, number: int) -> tuple[str, Subject | None, dict[str, Any]]:
        with self._rooms.database.cursor() as cursor:
            [(stage, subject, receipt)] = cursor.execute(
                "SELECT stage, subject, receipt FROM erasures WHERE number = $number",
                {"number": number},
            ).fetchall()
        return stage, None if subject is None else Subject.of_json(subject), json.loads(receipt)

    def _delete(self, number: int, at: datetime) -> None:
        _, subject, receipt = self._told(number)
        assert subject is not None
        self._rooms.compact()
        rooms = self._rooms
        with rooms.writing, rooms.compacting, rooms.database.cursor("BEGIN TRANSACTION") as cursor:
            try:
                gone = _GONE.format(number=number)
                clear_sums(cursor, rooms.zone, gone, subject)
                receipt["conflicts"] = clear_conflicts(cursor, gone, subject)
                receipt["set_aside"], records = clear_rejects(cursor, subject)
                receipt.setdefault("trace", {"ids": []})["records"] = records
                cursor.execute(
                    "UPDATE breaches SET examples = [] "
                    f"WHERE (source, name) IN (SELECT (source, name) FROM {gone})"
                )
                cursor.execute(
                    "DELETE FROM hot WHERE seq IN (SELECT seq FROM erasing WHERE number = $number)",
                    {"number": number},
                )
                _note(cursor, number, "deleted", receipt)
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()

    def _unfile(self, number: int, at: datetime) -> None:
        self._properties.forget()
        _, _, receipt = self._told(number)
        with self._rooms.database.cursor() as cursor:
            found = cursor.execute(
                "SELECT DISTINCT partition FROM taken_back SEMI JOIN "
                "(FROM erasing WHERE number = $number) USING (seq) ORDER BY partition",
                {"number": number},
            ).fetchall()
        for (partition,) in found:
            self._archive.rewrite([partition], at)
        self._archive.tidy()
        receipt["archive_files_rewritten"] = receipt.get("archive_files_rewritten", 0) + len(found)
        with self._rooms.writing, self._rooms.database.cursor("BEGIN TRANSACTION") as cursor:
            cursor.execute("DELETE FROM erasing WHERE number = $number", {"number": number})
            cursor.execute(
                "UPDATE erasures SET subject = NULL WHERE number = $number", {"number": number}
            )
            _note(cursor, number, "unfiled", receipt)
            cursor.commit()

    def _remake(self, number: int, at: datetime) -> None:
        _, _, receipt = self._told(number)
        receipt["finished_at"] = at.astimezone(UTC).isoformat()
        with self._rooms.writing:
            self._rooms.database.swap(partial(remade, file=self._rooms.file))
            with self._rooms.database.cursor() as cursor:
                _note(cursor, number, "done", receipt)


def _note(
    cursor: duckdb.DuckDBPyConnection, number: int, stage: str, receipt: dict[str, Any]
) -> None:
    cursor.execute(
        "UPDATE erasures SET stage = $stage, receipt = $receipt WHERE number = $number",
        {"number": number, "stage": stage, "receipt": json.dumps(receipt)},
    )


def _frame(connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> pl.DataFrame:
    found = pl.from_arrow(connection.sql(sql, params=values).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found
