"""Builds what a REST source declares out of the parts of `extract`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from analyticspro.connectors.json_text import json_text
from analyticspro.connectors.rest_records import field_of
from analyticspro.connectors.rest_source import Auth, Pages, RateLimited, RestSource, RestStream
from analyticspro.extract import (
    Anonymous,
    Authentication,
    Basic,
    Bearer,
    ByCursor,
    ByLink,
    ByNextUrl,
    ByOffset,
    ByPage,
    ClientCredentials,
    HeaderKey,
    OnePage,
    Paging,
    QueryKey,
    RateLimit,
    Record,
    Retry,
    Secret,
    Secrets,
    Session,
    Timing,
)
from analyticspro.extract.transport import Transport

__all__ = ["paging_of", "session_of", "size_of"]


def session_of(source: RestSource, secrets: Secrets, timing: Timing) -> Session:
    """Return how `source` is asked; nothing is connected yet."""
    transport = Transport(
        timing,
        allow_http=source.allow_http,
        largest=int(source.largest_page_mb * 1_000_000),
        patience=source.timeout,
    )
    retry = Retry(attempts=source.attempts)
    whose = f"Source {source.name}"
    bare = Session(whose, transport, Anonymous(), None, retry, timing)
    return Session(
        whose,
        transport,
        Anonymous() if source.auth is None else _auth(source.name, source.auth, secrets, bare),
        None if source.rate_limit is None else _limit(source.rate_limit, timing),
        retry,
        timing,
    )


def _auth(source: str, auth: Auth, secrets: Secrets, bare: Session) -> Authentication:
    def secret(name: str | None) -> Secret:
        return Secret(secrets, source, name or "")

    if auth.bearer is not None:
        return Bearer(secret(auth.bearer))
    if auth.header is not None:
        return HeaderKey(secret(auth.key), auth.header)
    if auth.parameter is not None:
        return QueryKey(secret(auth.key), auth.parameter)
    if auth.user is not None:
        return Basic(auth.user, secret(auth.password))
    return ClientCredentials(
        auth.token_url or "",
        auth.client_id or "",
        secret(auth.client_secret),
        session=bare,
        timing=bare.timing,
        scope=auth.scope,
        proof=auth.proof,
    )


def _limit(declared: RateLimited, timing: Timing) -> RateLimit:
    if declared.per_second is not None:
        return RateLimit(declared.per_second, 1, timing, burst=declared.burst)
    return RateLimit(declared.per_minute or 1, 60, timing, burst=declared.burst)


def size_of(pages: Pages | None) -> dict[str, str]:
    """Return the parameter that says how large a page shall be."""
    if pages is None or pages.size_parameter is None:
        return {}
    return {pages.size_parameter: str(pages.size)}


def paging_of(stream: RestStream, hidden: frozenset[str]) -> Paging:
    """Return how the list of `stream` is paged; the parameters `hidden` hold secrets."""
    pages = stream.paging
    if pages is None:
        return OnePage()
    if pages.by == "link":
        return ByLink(hidden)
    if pages.by == "next_url":
        return ByNextUrl(hidden, body=pages.body, header=pages.header)
    parameter = pages.parameter or ""
    if pages.by == "cursor":
        return ByCursor(parameter, pages.body, pages.header, pages.last_record, pages.more)
    moved_by = () if stream.cursor is None else (stream.cursor.field,)
    told = _identity((*stream.key, *moved_by))
    if pages.by == "offset":
        return ByOffset(parameter, pages.first or 0, told, total=pages.total, more=pages.more)
    return ByPage(
        parameter,
        1 if pages.first is None else pages.first,
        told,
        total=pages.total,
        more=pages.more,
        is_checked=stream.cursor is not None,
    )


def _identity(fields: tuple[str, ...]) -> Callable[[Record], str]:
    """Return what tells that a record is where it was: the same one, not changed since."""

    def identity(record: Record) -> str:
        values: Mapping[str, str | None] = {name: field_of(record.value, name) for name in fields}
        return record.text if None in values.values() else json_text(list(values.values()))

    return identity
