"""Where the figures of a page come from, in words for its foot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analyticspro.dashboards.fetching import Fetched
from analyticspro.dashboards.formats import moment_words
from analyticspro.errors import AnalyticsProError
from analyticspro.metrics.query import Query

__all__ = ["Asked", "Origin", "origin"]


@dataclass(frozen=True)
class Asked:
    """One query: what for, and the SQL that answered it."""

    title: str
    sql: str


@dataclass(frozen=True)
class Origin:
    """How the figures came about."""

    facts: tuple[tuple[str, str], ...]
    metrics: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    queries: tuple[Asked, ...]


def origin(fetched: Fetched) -> Origin | None:
    """Return how the answers of a page came about; None if there is no answer."""
    answered = {
        query: answer.provenance
        for query, answer in fetched.items()
        if not isinstance(answer, AnalyticsProError)
    }
    if not answered:
        return None
    metrics: dict[str, Mapping[str, Any]] = {}
    notes: dict[str, None] = {}
    titles: dict[str, dict[str, None]] = {}
    for query, known in answered.items():
        metrics.update(known["metrics"])
        notes.update(dict.fromkeys(known["notes"]))
        # Several queries may have been answered by one statement.
        statement = "\n\n".join(known.get("statements") or [known["sql"]])
        titles.setdefault(statement, {})[_words(query, known["metrics"])] = None
    asked = tuple(Asked("; ".join(words), sql) for sql, words in titles.items())
    return Origin(_facts(list(answered.values())), tuple(metrics.values()), tuple(notes), asked)


def _words(query: Query, metrics: Mapping[str, Any]) -> str:
    cut = [f"by {query.grain}"] if query.grain else []
    cut += [f"by {name}" for name in query.by]
    cut += ["compared"] if query.compare else []
    return " ".join([metrics[query.metrics[0]]["title"], *cut, f"({query.period})"])


def _facts(known: list[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    latest = known[0]
    facts = [
        ("Rows read", f"{max(each['rows_read'] for each in known):,}"),
        ("Late events", f"{max(each['late'] for each in known):,}"),
        ("Rejected records", f"{max(each['rejected'] for each in known):,}"),
        ("Revision", str(latest["revision"])),
        ("Time zone", str(latest["timezone"])),
        ("Seen as", str(latest["scope"])),
    ]
    for source, watermark in latest["watermarks"].items():
        facts.append((f"Complete up to, {source}", _instant_words(watermark)))
    return tuple(facts)


def _instant_words(text: str | None) -> str:
    if not text:
        return "not known"
    return f"{moment_words(datetime.fromisoformat(text))} UTC"
