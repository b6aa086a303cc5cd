"""What is known of sources: how far each is, what became of its records, what is set aside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from analyticspro.errors import Forbidden
from analyticspro.events import OWN_SOURCE
from analyticspro.policy import Scope, Tag

__all__ = ["KnownOfSources"]


class KnownOfSources(ABC):
    """The part of a reader that tells of sources as wholes; see `Reader`."""

    scope: Scope
    as_of: int | None

    @property
    @abstractmethod
    def _tells_of_sources(self) -> bool:
        """Whether no row is left out, as far as anybody has said."""

    @abstractmethod
    def _frame(
        self, sql: str, values: Mapping[str, Any] | None = None, *, is_short: bool = False
    ) -> pl.DataFrame:
        """Return the rows that `sql` gives, whatever is granted."""

    @property
    def sees_own(self) -> bool:
        """Whether what the workspace tells of itself, such as the audit log, is granted."""
        return self.scope.figures({Tag.SECURITY}).is_all

    def check_counts(self) -> None:
        """Refuse counts of all records to who sees some of the rows."""
        rows = self.scope.figures(())
        if not rows.is_all:
            raise Forbidden(
                f"These counts are of all records, and {self.scope.name} sees {rows}. "
                "An admin can grant all rows."
            )

    def sources(self) -> pl.DataFrame:
        """Return what is known of each source.

        Returns:
            One row per source, by name: name, declaration (JSON), synced_at (Datetime, UTC),
            outcome (JSON), parts (Int64: whole ones), records, rounded (Int64),
            watermark (Datetime, UTC; null until a file, or each stream, is whole),
            rejected (Int64: open ones).

        Raises:
            Forbidden: The scope sees some of the rows only.
        """
        self.check_counts()
        return self._without_own(self.known_sources(), "name")

    def known_sources(self) -> pl.DataFrame:
        """Return the same; none where some of the rows are left out, or of an earlier moment.

        What is known of a source as a whole would tell of the rows that are left out; how far
        each was at an earlier moment is not kept.
        """
        found = self._frame(
            """
            SELECT name, declaration, synced_at, outcome,
                   coalesce(parts, 0) AS parts, coalesce(records, 0) AS records,
                   coalesce(rounded, 0) AS rounded, watermark, coalesce(rejected, 0) AS rejected
            FROM sources
            LEFT JOIN (
                SELECT source AS name, count(*) AS parts, sum(records)::BIGINT AS records,
                       sum(rounded)::BIGINT AS rounded, max(newest_at) AS watermark
                FROM cursors GROUP BY ALL
                UNION ALL
                SELECT source, count(*), sum(seen)::BIGINT, 0,
                       CASE WHEN count(complete_at) = count(*) THEN min(complete_at) END
                FROM (
                    SELECT source, part AS stream, sum(seen) AS seen FROM ledger
                    GROUP BY ALL HAVING count(cursor) > 0)
                LEFT JOIN streams USING (source, stream)
                GROUP BY ALL) USING (name)
            LEFT JOIN (
                SELECT source AS name, count(*) AS rejected
                FROM rejects WHERE resolved IS NULL GROUP BY ALL) USING (name)
            ORDER BY name
            """
        ).with_columns(pl.col("synced_at", "watermark").dt.replace_time_zone("UTC"))
        is_told = self._tells_of_sources and self.as_of is None
        return found if is_told else found.clear()

    def stream_watermarks(self, source: str) -> dict[str, datetime]:
        """Return for each stream of `source` up to when it is here; no entry before it is."""
        self.check_counts()
        rows = self._frame(
            "SELECT stream, complete_at FROM streams WHERE source = $source",
            {"source": source},
        ).with_columns(pl.col("complete_at").dt.replace_time_zone("UTC"))
        return dict(rows.iter_rows())

    def ledger(self) -> pl.DataFrame:
        """Return what became of all records ever seen.

        Returns:
            One row per source and part, in that order: source, part (String); seen, new,
            changed, duplicates (conflicts among them), conflicts, late, rejected, retracted
            (Int64); live, the events of the part that count now. Over the parts of a source
            seen = new + changed + duplicates + rejected, and live = new - retracted.

        Raises:
            Forbidden: The scope sees some of the rows only.
        """
        self.check_counts()
        found = self._frame(
            """
            SELECT source, part, sum(seen)::BIGINT AS seen, sum(new)::BIGINT AS new,
                sum(changed)::BIGINT AS changed, sum(duplicates)::BIGINT AS duplicates,
                sum(conflicts)::BIGINT AS conflicts, sum(late)::BIGINT AS late,
                sum(rejected)::BIGINT AS rejected, sum(retracted)::BIGINT AS retracted,
                coalesce(any_value(live), 0)::BIGINT AS live
            FROM ledger
            LEFT JOIN (
                SELECT source, part, count(*) AS live FROM events
                WHERE retired IS NULL GROUP BY ALL) USING (source, part)
            WHERE source IS NOT NULL
            GROUP BY ALL ORDER BY ALL
            """
        )
        return self._without_own(found, "source")

    def accounted(self) -> pl.DataFrame:
        """Return what explains how a part's events differ from what its source holds.

        Returns:
            One row per source and part: source, part (String), file_records (Int64: how many
            records the file had; null of a stream), set_aside (Int64: rejects that are open),
            written_off (Int64: events that were erased or deleted, not taken back).
        """
        self.check_counts()
        found = self._frame(
            """
            SELECT source, part, any_value(records) AS file_records,
                coalesce(any_value(aside), 0)::BIGINT AS set_aside,
                coalesce(sum(retracted) FILTER (note IS NOT NULL), 0)::BIGINT AS written_off
            FROM ledger
            LEFT JOIN cursors USING (source, part)
            LEFT JOIN (
                SELECT source, part, count(*) AS aside FROM rejects
                WHERE resolved IS NULL GROUP BY ALL) USING (source, part)
            WHERE source IS NOT NULL
            GROUP BY ALL ORDER BY ALL
            """
        )
        return self._without_own(found, "source")

    def _without_own(self, found: pl.DataFrame, column: str) -> pl.DataFrame:
        return found if self.sees_own else found.filter(pl.col(column) != OWN_SOURCE)

    def rejected_parts(self, source: str) -> list[str]:
        """Return the parts of `source` of which records are set aside."""
        self.check_counts()
        return self._frame(
            "SELECT DISTINCT part FROM rejects WHERE resolved IS NULL AND source = $source "
            "ORDER BY part",
            {"source": source},
        )["part"].to_list()

    def rejects(self, source: str, *, limit: int) -> pl.DataFrame:
        """Return the open rejects of `source`, in the order of its parts and lines.

        Returns:
            At most `limit` rows: part, line (Int64), field, value, reason (String).

        Raises:
            Forbidden: The scope does not see everything: nobody has tagged what is in them.
        """
        if not self.scope.is_unlimited:
            raise Forbidden(
                "Records that are set aside hold whatever came, which nobody has tagged. "
                f"No single grant of {self.scope.name} covers everything."
            )
        return self._frame(
            """
            SELECT part, line, field, value, reason FROM rejects
            WHERE resolved IS NULL AND source = $source ORDER BY part, line LIMIT $limit
            """,
            {"source": source, "limit": limit},
        )
