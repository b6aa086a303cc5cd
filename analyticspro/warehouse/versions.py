"""What befalls versions that are stored already; all within the commit that is open."""

from __future__ import annotations

import numpy as np
import polars as pl

from analyticspro.events import WriteMode
from analyticspro.warehouse.incoming import Prepared
from analyticspro.warehouse.known_ids import Signed, Unsigned
from analyticspro.warehouse.memory import buried
from analyticspro.warehouse.open_commit import OpenCommit

__all__ = [
    "bring_back",
    "bury",
    "move",
    "retire",
    "retract",
    "retract_unseen",
    "stored_under",
]

_NO_VERSIONS = pl.DataFrame(
    schema={
        "seq": pl.Int64,
        "is_live": pl.Boolean,
        "is_late": pl.Boolean,
        "part": pl.String,
        "version": pl.Int64,
    }
)


def stored_under(opened: OpenCommit, prepared: Prepared, seqs: Signed) -> pl.DataFrame:
    """Return what `storing.decide` has to know of the versions with these numbers."""
    wanted = np.unique(seqs[seqs > 0])
    if prepared.mode is WriteMode.APPEND or len(wanted) == 0:
        return _NO_VERSIONS
    with opened.given("wanted", pl.DataFrame({"seq": wanted})):
        return opened.frame(
            "SELECT seq, retired IS NULL AS is_live, is_late, part, version "
            "FROM events JOIN wanted USING (seq)"
        )


def retire(opened: OpenCommit, seqs: Signed) -> None:
    """Have versions not count from this commit on."""
    _update(opened, seqs, "retired = $revision")


def move(opened: OpenCommit, seqs: Signed, part: str) -> None:
    """Have another part of their source hold versions."""
    _update(opened, seqs, "part = $part", part=part)


def _update(opened: OpenCommit, seqs: Signed, change: str, **values: object) -> None:
    if len(seqs) == 0:
        return
    with opened.given("chosen", pl.DataFrame({"seq": seqs})):
        update = f"UPDATE hot SET {change} FROM chosen WHERE hot.seq = chosen.seq"
        if opened.run(update, **values) < len(seqs):
            bring_back(opened, seqs)
            opened.run(update, **values)


def bring_back(opened: OpenCommit, seqs: Signed) -> int:
    """Have those of the versions that are archived be in `hot` again; return how many.

    Files of the archive are not written to. What befalls an archived version is written
    beside the others, and the file's own copy of it no longer counts.
    """
    with opened.given("wanted", pl.DataFrame({"seq": seqs})):
        back = "archived SEMI JOIN wanted USING (seq)"
        count = opened.run(f"INSERT INTO hot BY NAME SELECT * EXCLUDE (partition) FROM {back}")
        if count:
            opened.run(f"INSERT INTO taken_back SELECT partition, seq FROM {back}")
    return count


def retract(opened: OpenCommit, seqs: Signed, *, note: str) -> int:
    """Retire versions that no source took back; return how many were live."""
    with opened.given("wanted", pl.DataFrame({"seq": seqs})):
        found = opened.connection.execute(
            "SELECT source, part, list(seq) FROM hot SEMI JOIN wanted USING (seq) "
            "WHERE retired IS NULL GROUP BY ALL"
        ).fetchall()
    for source, part, live in found:
        retire(opened, np.array(live, np.int64))
        opened.tally(source, part).write_off(len(live), note)
    return sum(len(live) for *_, live in found)


def retract_unseen(opened: OpenCommit, source: str, part: str, seen: Signed) -> int:
    """Retract what a part holds besides `seen`; return how many events."""
    with opened.given("seen", pl.DataFrame({"seq": seen})):
        archived = opened.connection.execute(
            "SELECT seq FROM archived WHERE retired IS NULL AND source = $source "
            "AND part = $part AND seq NOT IN (SELECT seq FROM seen)",
            {"source": source, "part": part},
        ).fetchnumpy()["seq"]
        if len(archived):
            bring_back(opened, archived)
        retracted = opened.run(
            """
            UPDATE hot SET retired = $revision
            WHERE retired IS NULL AND source = $source AND part = $part
              AND seq NOT IN (SELECT seq FROM seen)
            """,
            source=source,
            part=part,
        )
    opened.tally(source, part).retracted += retracted
    return retracted


def bury(opened: OpenCommit, high: Unsigned, low: Unsigned) -> None:
    """Have ids be known for ever, though nothing of their events is left."""
    with opened.given("dead", pl.DataFrame({"id_high": high, "id_low": low})):
        opened.run("INSERT INTO tombstones FROM dead")
    opened.added.add(buried(high, low))
