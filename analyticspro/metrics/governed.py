"""Answers queries within what a scope may see.

What each metric may be made of is decided before anything is read: rows of which one single
grant covers the tags of the metric and of all that it is cut by. Metrics of the same rows are
answered together, by a reader that sees no others; then the answers are laid side by side.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

import polars as pl

from analyticspro.config import Settings
from analyticspro.metrics import catalog
from analyticspro.metrics.answer import Answer
from analyticspro.metrics.comparing import joined
from analyticspro.metrics.cuttable import Cuttable
from analyticspro.metrics.evaluate import Evaluator
from analyticspro.metrics.known import Known
from analyticspro.metrics.model import is_null_of_nothing
from analyticspro.metrics.query import Query
from analyticspro.policy import ALL_ROWS, NO_ROWS, Decision, Rows
from analyticspro.warehouse import Reader

__all__ = ["Governed"]

_MOST_KNOWN = 64
_NO_REJECTS = (
    "Records that were set aside are not counted here: which rows they would have been is not "
    "known, and some rows are not shown to you."
)


@dataclass(frozen=True)
class _Part:
    """Metrics that are made of the same rows."""

    rows: Rows
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Governed:
    """Answers queries; all from the snapshot of one reader, so they agree.

    Attributes:
        reader: Of the scope.
        known: What is known of all rows; shown to who sees them all.
        narrowed: What is known of some of them, kept from one snapshot to the next.
    """

    reader: Reader
    known: Known
    settings: Settings
    now: datetime
    narrowed: MutableMapping[Rows, Known]

    @classmethod
    def read(
        cls,
        reader: Reader,
        settings: Settings,
        now: datetime,
        *,
        before: Known | None = None,
        narrowed: MutableMapping[Rows, Known] | None = None,
    ) -> Governed:
        """Return it for a snapshot; see `Known.read` for `before`."""
        with reader.seeing(ALL_ROWS) as whole:
            known = Known.read(whole, before)
        return cls(reader, known, settings, now, {} if narrowed is None else narrowed)

    def seen(self, query: Query) -> Hashable:
        """Return who asks and what they see of it; raises what `answer` raises of policies."""
        scope = self.reader.scope
        return scope if scope.is_unlimited else (scope, self._parts(query))

    def answer(self, query: Query) -> Answer:
        """Return the figures that `query` asks for; see `Evaluator.answer`.

        Raises:
            Forbidden: A metric, or what it is cut by, is not granted.
        """
        if self.reader.scope.is_unlimited:
            return Evaluator(self.reader, self.known, self.settings, self.now).answer(query)
        parts = self._parts(query)
        found = []
        for part in parts:
            answer = self._of_part(part, replace(query, metrics=part.metrics))
            reasons = {name: self.explained(query, name).reason for name in part.metrics}
            found.append(Answer(answer.frame, answer.provenance | {"policy": reasons}))
        return found[0] if len(found) == 1 else _beside(query, found)

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension that are seen, the most frequent first.

        Raises:
            Forbidden: The dimension is not granted.
        """
        scope, cuttable = self.reader.scope, Cuttable(self.reader)
        tags, declared = cuttable.tags(dimension), cuttable.is_declared(dimension)
        scope.explain_figure(f"The dimension {dimension}", tags, declared=declared).enforce()
        with self._seeing(scope.figures(tags, declared=declared)) as evaluator:
            return evaluator.values(dimension)

    def explained(self, query: Query, name: str) -> Decision:
        """Return whether a metric shows, cut as in `query`, and why."""
        tags, declared = self._needed(query, name)
        cut = [*query.by, *(item.dimension for item in query.where)]
        what = f"{name} by {', '.join(dict.fromkeys(cut))}" if cut else name
        return self.reader.scope.explain_figure(what, tags, declared=declared)

    def extent(self) -> Known:
        """Return what is known of the rows that figures without tags are made of."""
        with self._seeing(self.reader.scope.figures(())) as evaluator:
            return evaluator.known

    def _needed(self, query: Query, name: str) -> tuple[frozenset[str], bool]:
        cuttable = Cuttable(self.reader)
        cut = {*query.by, *(item.dimension for item in query.where)}
        tags = frozenset(catalog.metric(name).tags).union(*map(cuttable.tags, sorted(cut)))
        return tags, all(map(cuttable.is_declared, cut))

    def _parts(self, query: Query) -> tuple[_Part, ...]:
        by_rows: dict[Rows, list[str]] = {}
        for name in dict.fromkeys(query.metrics):
            self.explained(query, name).enforce()
            tags, declared = self._needed(query, name)
            by_rows.setdefault(self.reader.scope.figures(tags, declared=declared), []).append(name)
        if not by_rows:
            by_rows[NO_ROWS] = []  # which the evaluator refuses, saying what to do
        return tuple(_Part(rows, tuple(names)) for rows, names in by_rows.items())

    def _of_part(self, part: _Part, query: Query) -> Answer:
        with self._seeing(part.rows) as evaluator:
            answer = evaluator.answer(query)
        if not part.rows.is_all:
            answer.provenance["notes"].append(_NO_REJECTS)
        return answer

    @contextmanager
    def _seeing(self, rows: Rows) -> Iterator[Evaluator]:
        with self.reader.seeing(rows) as reader:
            known = self.known if rows.is_all else self._known(reader, rows)
            yield Evaluator(reader, known, self.settings, self.now)

    def _known(self, reader: Reader, rows: Rows) -> Known:
        if reader.as_of is not None:
            return Known.read(reader)
        known = Known.read(reader, self.narrowed.get(rows))
        if len(self.narrowed) >= _MOST_KNOWN and rows not in self.narrowed:
            self.narrowed.clear()
        self.narrowed[rows] = known
        return known


def _beside(query: Query, answers: Sequence[Answer]) -> Answer:
    """Return the answers as one, a row for each key that any of them has."""
    keys = (*([query.grain.value] if query.grain else []), *query.by)
    frame = reduce(lambda one, other: joined(one, other, keys), (each.frame for each in answers))
    suffixes = ["", *(["_previous", "_change"] if query.compare else [])]
    names = list(dict.fromkeys(query.metrics))
    totals = [name for name in names if not is_null_of_nothing(catalog.metric(name))]
    frame = frame.with_columns(
        pl.col(f"{name}{suffix}").fill_null(0) for name in totals for suffix in suffixes
    )
    suffixes += ["_change_rate"] if query.compare else []
    frame = frame.select(*keys, *(f"{name}{suffix}" for name in names for suffix in suffixes))
    told = _together([each.provenance for each in answers])
    return Answer(frame.sort(keys, nulls_last=True) if keys else frame, told)


def _together(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the provenance of figures that were read apart."""
    merged = dict(told[0])
    for name in ("metrics", "policy"):
        merged[name] = {key: value for each in told for key, value in each[name].items()}
    marks = [pair for each in told for pair in each["watermarks"].items()]
    merged["watermarks"] = {
        source: min(at for other, at in marks if other == source) for source, _ in marks
    }
    merged["statements"] = [sql for each in told for sql in each["statements"]]
    merged["notes"] = list(dict.fromkeys(note for each in told for note in each["notes"]))
    for name in ("rows_read", "late", "rejected"):
        merged[name] = max(each[name] for each in told)
    for name in ("period", "compared_with"):
        if merged[name] is not None:
            bounds = {"start": min(each[name]["start"] for each in told)}
            bounds |= {"end": max(each[name]["end"] for each in told)}
            merged[name] = merged[name] | bounds
    return merged
