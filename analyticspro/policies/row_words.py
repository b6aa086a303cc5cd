"""Which rows, in words, with the values of the filters: for those who set them."""

from __future__ import annotations

from analyticspro.policy import Rows

__all__ = ["told_rows"]


def told_rows(rows: Rows) -> str:
    """Return in words which rows; with the values of the filters, which are for admins alone.

    >>> from analyticspro.policy import ALL_ROWS, RowFilter
    >>> told_rows(ALL_ROWS)
    'all rows'
    >>> told_rows(Rows.of((RowFilter("country", ("US", "CA")), RowFilter("plan", ("free",), True))))
    'rows where country is US or CA, and plan is not free'
    """
    if rows.is_none:
        return "hidden"
    if rows.is_all:
        return "all rows"
    ways = (
        ", and ".join(
            f"{item.field} is {'not ' if item.exclude else ''}{' or '.join(item.values)}"
            for item in way
        )
        for way in rows.ways
    )
    return f"rows where {'; and rows where '.join(ways)}"
