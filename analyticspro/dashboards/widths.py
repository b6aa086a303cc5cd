"""For which widths a window's charts are drawn."""

from __future__ import annotations

from analyticspro.dashboards.pages import LIVE_WIDTHS

__all__ = ["widths"]

_WIDEST = 1280  # as wide as a page gets (page.css): wider windows share a drawing


def widths(told: str | None) -> tuple[int, ...]:
    """Return the width of the window if it is told, else a wide and a narrow one.

    >>> widths("1500"), widths("x") == LIVE_WIDTHS
    ((1280,), True)
    """
    text = told or ""
    is_width = text.isascii() and text.isdecimal() and 0 < len(text.lstrip("0")) < 6
    return (max(300, min(int(text), _WIDEST)),) if is_width else LIVE_WIDTHS
