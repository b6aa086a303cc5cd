"""Records that were set aside, and copies that were not taken: kept beside the events."""

from __future__ import annotations

import polars as pl

from analyticspro.warehouse.incoming import Prepared
from analyticspro.warehouse.open_commit import OpenCommit
from analyticspro.warehouse.storing import Outcome, Outcomes

__all__ = ["keep_conflicts", "resolve_others", "set_aside", "take_back"]


def keep_conflicts(
    opened: OpenCommit, source: str, part: str, prepared: Prepared, outcomes: Outcomes
) -> None:
    """Keep duplicates whose payload differs from that of the first copy, each payload once."""
    rows = prepared.rows.filter(pl.Series(outcomes == Outcome.CONFLICT))
    with opened.given("incoming", rows.unique(["event_id", "content_hash"])):
        opened.run(
            """
            INSERT INTO conflicts
            SELECT $revision, $source, $part, event_id, content_hash, name, occurred_at,
                properties, raw
            FROM incoming ANTI JOIN (FROM conflicts WHERE source = $source)
                USING (event_id, content_hash)
            """,
            source=source,
            part=part,
        )


def set_aside(opened: OpenCommit, source: str, part: str, rejects: pl.DataFrame) -> None:
    """Keep rejects, at most one open reject for each line; see `Writer.set_aside`."""
    if rejects.height == 0:
        return
    opened.tally(source, part).set_aside(rejects.height)
    with opened.given("incoming", rejects.unique(maintain_order=True)):
        opened.run(
            """
            UPDATE rejects AS r SET resolved = $revision FROM incoming AS i
            WHERE r.resolved IS NULL AND r.source = $source AND r.part = $part
              AND r.line = i.line
              AND (r.field IS DISTINCT FROM i.field OR r.value IS DISTINCT FROM i.value
                   OR r.reason <> i.reason OR r.raw IS DISTINCT FROM i.raw)
            """,
            source=source,
            part=part,
        )
        opened.run(
            """
            INSERT INTO rejects
            SELECT $revision, NULL, $source, $part, i.* FROM incoming i
            WHERE NOT EXISTS (
                FROM rejects r
                WHERE r.resolved IS NULL AND r.source = $source AND r.part = $part
                  AND r.line IS NOT DISTINCT FROM i.line
                  AND r.raw IS NOT DISTINCT FROM i.raw
                  AND r.reason = i.reason AND r.field IS NOT DISTINCT FROM i.field)
              AND coalesce(md5(i.raw), '') NOT IN (SELECT record FROM buried)
            """,
            source=source,
            part=part,
        )


def take_back(
    opened: OpenCommit, source: str, part: str, *, before: int, most: int
) -> pl.DataFrame:
    """Resolve open rejects of a part and return them; see `Writer.take_back`."""
    found = opened.frame(
        """
        SELECT rowid AS row, line, raw FROM rejects
        WHERE resolved IS NULL AND source = $source AND part = $part
          AND revision < $before AND raw IS NOT NULL
        ORDER BY rowid LIMIT $most
        """,
        source=source,
        part=part,
        before=before,
        most=most,
    )
    with opened.given("taken", found):
        opened.run(
            "UPDATE rejects SET resolved = $revision FROM taken WHERE rejects.rowid = taken.row"
        )
    opened.tally(source, part).set_aside(-found.height)
    return found.drop("row")


def resolve_others(opened: OpenCommit, source: str, part: str, rejects: pl.DataFrame) -> None:
    """Resolve the open rejects of a part whose lines are not among those of `rejects`."""
    with opened.given("incoming", rejects):
        opened.run(
            """
            UPDATE rejects SET resolved = $revision
            WHERE resolved IS NULL AND source = $source AND part = $part
              AND line NOT IN (SELECT line FROM incoming)
            """,
            source=source,
            part=part,
        )
