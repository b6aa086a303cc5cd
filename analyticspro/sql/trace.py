"""What may be noted of a statement that somebody sent: what it is made of, never its values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp

from analyticspro.errors import AnalyticsProError
from analyticspro.sql.statement import VIEWS, parsed

__all__ = ["Trace", "traced"]

_DIGITS = 16


@dataclass(frozen=True)
class Trace:
    """What a statement is made of.

    Attributes:
        shape: A digest of the statement without its literals, names of columns and comments
            included: a digest of the whole text could be tried out for a value that is one of few.
            Empty of what cannot be read.
        views: Those it names.
        columns: The known ones that it names; what somebody typed besides may be anything.
    """

    shape: str
    views: tuple[str, ...]
    columns: tuple[str, ...]

    def __str__(self) -> str:
        if not self.shape:
            return "a statement that cannot be read"
        of = f" of {', '.join(self.views)}" if self.views else " of nothing"
        return f"{', '.join(self.columns) or 'no column'}{of}"


def traced(text: str, columns: Collection[str]) -> Trace:
    """Return what may be noted of a statement; it raises nothing.

    Args:
        text: As it was sent.
        columns: Those there are.
    """
    try:
        tree = parsed(text)
        views = {table.name.lower() for table in tree.find_all(exp.Table)} & VIEWS.keys()
        named = {each.name.lower() for each in tree.find_all(exp.Column)} & set(columns)
        if next(tree.find_all(exp.Star), None) is not None:
            named |= {"*"}
        for literal in list(tree.find_all(exp.Literal)):
            literal.replace(exp.Placeholder())
        shape = tree.sql(dialect="duckdb", comments=False)
    except (AnalyticsProError, RecursionError, ValueError, TypeError, KeyError, AttributeError):
        return Trace("", (), ())
    digest = hashlib.sha256(shape.encode()).hexdigest()[:_DIGITS]
    return Trace(digest, tuple(sorted(views)), tuple(sorted(named)))
