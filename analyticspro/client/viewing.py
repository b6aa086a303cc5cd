"""Asking as somebody else, for an admin who looks at a page as that person; see the api."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["HEADER", "PAGE_HEADER", "headers_for", "headers_of", "variables"]

HEADER = "X-AnalyticsPro-View-As"
PAGE_HEADER = "X-AnalyticsPro-Page"

_TICKET, _PAGE = "ANALYTICSPRO_VIEW_AS", "ANALYTICSPRO_VIEW_AS_PAGE"


def headers_for(ticket: str | None, page: str) -> dict[str, str]:
    """Return what is sent along with each request of a page; nothing for who looks as oneself.

    >>> headers_for(None, "/dashboards/overview")
    {}
    """
    return {} if ticket is None else {HEADER: ticket, PAGE_HEADER: page}


def variables(ticket: str | None, page: str) -> dict[str, str]:
    """Return what a page's kernel finds in its environment, for `headers_of`."""
    return {} if ticket is None else {_TICKET: ticket, _PAGE: page}


def headers_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a process sends along, by its environment.

    >>> headers_of(variables("t1", "/dashboards/overview")) == headers_for(
    ...     "t1", "/dashboards/overview"
    ... )
    True
    """
    return headers_for(environment.get(_TICKET), environment.get(_PAGE, ""))
