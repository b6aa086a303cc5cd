"""Whether the log is whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyticspro.audit.anchor import Head
from analyticspro.audit.chain import proof
from analyticspro.state import AuditRow

__all__ = ["Verdict", "judged"]


@dataclass(frozen=True)
class Verdict:
    """What the examination of a log found.

    Attributes:
        head: Its newest entry that still holds.
        problems: What is wrong, in words; empty if the log is whole.
    """

    head: Head
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, removed, put in or cut off."""
        return not self.problems


def judged(rows: Iterable[AuditRow], key: bytes, known: Iterable[tuple[str, Head]]) -> Verdict:
    """Walk the log and compare it with every head that is known of it.

    After the first entry that does not fit nothing can be told of the rest.

    Args:
        rows: All entries, the oldest first.
        key: What they were proved with.
        known: Heads that were committed some time, and who tells of each.
    """
    awaited: dict[int, list[tuple[str, Head]]] = {}
    for teller, head in known:
        awaited.setdefault(head.seq, []).append((teller, head))
    problems: list[str] = []
    at = Head(0, "")
    for row in rows:
        problem = _misfit(row, at, key)
        if problem:
            return Verdict(at, (*problems, problem))
        at = Head(row.seq, row.digest)
        for teller, head in awaited.pop(row.seq, []):
            if head != at:
                problems.append(f"Entry {row.seq} is not the one that {teller} tells of.")
    for number in sorted(awaited.keys() - {0}):
        problems += [
            f"Entries are missing at the end: the log ends at {at.seq}, {teller} tells of {number}."
            for teller, _ in awaited[number]
        ]
    return Verdict(at, tuple(problems))


def _misfit(row: AuditRow, before: Head, key: bytes) -> str | None:
    if row.seq != before.seq + 1:
        return f"Entry {before.seq + 1} is missing: {row.seq} follows {before.seq}."
    if proof(row, before.digest, key) != row.digest:
        return f"Entry {row.seq} was changed, or put there from elsewhere."
    return None
