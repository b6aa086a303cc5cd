"""Lays the source's own count beside ours, part by part, and explains the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analyticspro.connectors import Counting, PagedSource, Source
from analyticspro.errors import AnalyticsProError
from analyticspro.extract.secret import Secrets

__all__ = ["counted", "reconciled"]


def counted(source: Source, secrets: Secrets) -> dict[str, int | str]:
    """Return how many records each stream of a source has now, as the source says.

    Those that do not say are left out; of one that cannot be asked now there is the reason.
    """
    if not isinstance(source, PagedSource):
        return {}
    connector = source.connect(secrets)
    if not isinstance(connector, Counting):
        return {}
    found: dict[str, int | str] = {}
    for stream in connector.streams():
        try:
            count = connector.count(stream)
        except AnalyticsProError as error:
            found[stream] = str(error)
            continue
        if count is not None:
            found[stream] = count
    return found


def reconciled(
    rows: Iterable[Mapping[str, Any]],
    accounted: Iterable[Mapping[str, Any]],
    counts: Mapping[tuple[str, str], int | str],
) -> list[dict[str, Any]]:
    """Return the rows of a ledger with the source's own count, and what a difference means.

    Args:
        rows: As of `Reader.ledger`.
        accounted: As of `Reader.accounted`.
        counts: By source and part, what the source said when asked; or why it did not.

    Returns:
        The rows, and: `theirs` (how many records the source has, or the file had when it was
        read; null if nobody says), `difference` (theirs - live), `explained` (a sentence;
        null if there is nothing to explain).
    """
    facts = {(fact["source"], fact["part"]): fact for fact in accounted}
    found = []
    for row in rows:
        place = row["source"], row["part"]
        asked = counts.get(place)
        theirs = facts[place]["file_records"] if asked is None else asked
        told: dict[str, Any] = {"theirs": None, "difference": None, "explained": None}
        if isinstance(theirs, str):
            told["explained"] = f"not known: {theirs}"
        elif theirs is not None:
            difference = theirs - row["live"]
            explained = _explained(facts[place], difference, is_file=asked is None)
            told = {"theirs": theirs, "difference": difference, "explained": explained}
        found.append({**row, **told})
    return found


def _explained(fact: Mapping[str, Any], difference: int, *, is_file: bool) -> str | None:
    """Return why the source has `difference` more records than there are events of it."""
    left = difference
    parts = []
    for name, words in (("set_aside", "set aside"), ("written_off", "erased or deleted here")):
        count = min(max(left, 0), fact[name])
        left -= count
        if count:
            parts.append(f"{count:,} {words}")
    if left > 0:
        parts.append(f"{left:,} {_IN_FILES if is_file else _NOT_HERE}")
    elif left < 0:
        parts.append(f"{-left:,} {_ONLY_OURS}")
    return "; ".join(parts) or None


_ONLY_OURS = "gone at the source, which only a stream that is read whole notices"
_IN_FILES = "under a key that stands elsewhere too: they count once"
_NOT_HERE = "not here: sync; if that brings nothing, backfill, or look for a key that is none"
