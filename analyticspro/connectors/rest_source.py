"""What a source that is a REST API declares: how to ask it, and what its lists hold."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from analyticspro.connectors.declaration import Declared, Stream, TimeFormat
from analyticspro.connectors.page import Connector, PagedSource
from analyticspro.extract.secret import Secrets

__all__ = ["Auth", "Cursor", "Pages", "RateLimited", "RestSource", "RestStream"]

# Headers that hold secrets, which are declared by name, in `auth`.
_SECRET_HEADER = re.compile(r"authorization|cookie|api-?key|token|secret|password", re.IGNORECASE)

StreamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]


class Auth(Declared):
    """How the source is told who asks, in one of five ways. Secrets are named, never held.

    Attributes:
        bearer: Secret: a token for `Authorization: Bearer`.
        key: Secret: a key, for `header` or `parameter`.
        user: Account's name, with the secret `password`.
        token_url: Where OAuth2 client credentials (`client_id`, and the secret
            `client_secret`) buy tokens.
        proof: Where they stand when they do.
    """

    bearer: str | None = None
    key: str | None = None
    header: HeaderName | None = None
    parameter: str | None = None
    user: str | None = None
    password: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None
    proof: Literal["header", "body"] = "header"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        # Said here, of the table as a whole: an error about one value would show it.
        for name in ("bearer", "key", "password", "client_secret"):
            if re.fullmatch(r"[a-z][a-z0-9_]{0,59}", getattr(self, name) or "a") is None:
                raise ValueError(
                    f"{name} must be the name of a secret (small letters, digits, underscores), "
                    "not the secret itself; keep that with 'analyticspro secrets set'"
                )
        if self.token_url is not None:
            _check_address("token_url", self.token_url)
        given = self.model_fields_set
        for needed, allowed in _WAYS:
            if needed <= given <= needed | allowed:
                return self
        raise ValueError(
            "needs one of: bearer · key and header · key and parameter · user and password · "
            "token_url, client_id and client_secret (also scope, proof)"
        )


_WAYS: tuple[tuple[set[str], set[str]], ...] = (
    ({"bearer"}, set()),
    ({"key", "header"}, set()),
    ({"key", "parameter"}, set()),
    ({"user", "password"}, set()),
    ({"token_url", "client_id", "client_secret"}, {"scope", "proof"}),
)


class RateLimited(Declared):
    """How often the source may be asked, all its streams together."""

    per_second: Annotated[float, Field(gt=0, le=10_000)] | None = None
    per_minute: Annotated[float, Field(gt=0, le=600_000)] | None = None
    burst: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.per_second is None) == (self.per_minute is None):
            raise ValueError("needs per_second or per_minute")
        return self


class Pages(Declared):
    """How a list is parted into pages.

    Attributes:
        by: `link` (header Link), `next_url` (its address in `body` or `header`), `offset`,
            `page` (number), `cursor` (a token from `body`, `header` or `last_record`).
        parameter: Takes the offset, number or token.
        first: The first offset (default 0) or number (default 1).
        size: How many records a page shall have …
        size_parameter: … which this parameter says.
        more: Field that says whether there is another page.
        total: Field that says how many records (by `page`: pages) there are in all.
    """

    by: Literal["link", "next_url", "offset", "page", "cursor"]
    parameter: str | None = None
    body: str | None = None
    header: HeaderName | None = None
    last_record: str | None = None
    first: Annotated[int, Field(ge=0)] | None = None
    size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    size_parameter: str | None = None
    more: str | None = None
    total: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = _OF_PAGING[self.by] | {"by", "size", "size_parameter"}
        for name in sorted(self.model_fields_set - known):
            raise ValueError(f"by {self.by!r} has no {name}; remove {name}")
        if "parameter" in known and self.parameter is None:
            raise ValueError(f"by {self.by!r} needs parameter")
        places = [name for name in _PLACES if name in known]
        if places and sum(getattr(self, name) is not None for name in places) != 1:
            raise ValueError(f"by {self.by!r} needs one of {', '.join(places)}")
        if (self.size is None) != (self.size_parameter is None):
            raise ValueError("size and size_parameter go together")
        return self


_PLACES = ("body", "header", "last_record")
_OF_PAGING = {
    "link": set[str](),
    "next_url": {"body", "header"},
    "offset": {"parameter", "first", "more", "total"},
    "page": {"parameter", "first", "more", "total"},
    "cursor": {"parameter", "body", "header", "last_record", "more"},
}


class Cursor(Declared):
    """How to ask for what is new only.

    Attributes:
        field: Of a record: when it was changed last.
        parameter: Asks for what was changed since. Without it the list must be
            `newest_first`; it is then read until what is known.
        format: How both are written: as of `Time`, or `number`, for one that counts up.
        lookback: How far behind the newest known the next sync reads again: seconds; by
            `number`, so many. It catches what the source lets appear late.
        start: Where to begin; without it the first sync asks without `parameter`.
        newest_first: Whether the list begins with what was changed last.
        until: Parameter that asks for what was changed before a time; for backfills only.
    """

    field: str
    parameter: str | None = None
    until: str | None = None
    format: TimeFormat | Literal["number"] | None = None
    lookback: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    start: str | None = None
    newest_first: bool = False

    @model_validator(mode="after")
    def _can_ask(self) -> Self:
        if self.parameter is None and not self.newest_first:
            raise ValueError(
                "needs parameter, or newest_first = true where the list begins with the newest"
            )
        for name in ("start", "until"):
            if getattr(self, name) is not None and self.parameter is None:
                raise ValueError(f"{name} needs parameter, which takes where to begin")
        return self


class RestStream(Stream):
    """One list of the API.

    Attributes:
        path: Below the source's url.
        parameters: Of each request.
        format: `json`: one document a page; `ndjson`: one record a line.
        records: Field of the document that holds the list, with dots; without it, the
            document is the list.
        count: Field of the first page's document that says how many records there are in all,
            for the ledger; without it `paging.total` says, where the list is parted by offset.
    """

    path: str
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    format: Literal["json", "ndjson"] = "json"
    records: str | None = None
    count: str | None = None
    paging: Pages | None = None
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        parts = urlsplit(self.path)
        if parts.scheme or parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                f"path is {self.path!r}: write what follows the source's url, and parameters "
                "in parameters"
            )
        if self.format == "ndjson" and self.records is not None:
            raise ValueError("records is for format 'json'; a line of ndjson is a record")
        if self.format == "ndjson" and self.count is not None:
            raise ValueError("count is a field of a document; a line of ndjson is a record")
        if self.format == "ndjson" and self.paging is not None and self._is_paged_by_body():
            raise ValueError("paging by a field of the body needs format 'json'")
        return self

    @property
    def count_field(self) -> str | None:
        """The field that says how many records there are in all; None if none does."""
        if self.count is None and self.paging is not None and self.paging.by == "offset":
            return self.paging.total
        return self.count

    def _is_paged_by_body(self) -> bool:
        paging = self.paging
        return paging is not None and any((paging.body, paging.more, paging.total))


class RestSource(PagedSource):
    """A REST API that answers JSON.

    Attributes:
        url: What all paths are below: https, unless on this machine.
        allow_http: Whether to speak plain http with another machine.
        headers: Of each request; secrets belong into `auth`.
        timeout: Seconds to wait for each piece of an answer.
        attempts: How often a request is sent before the sync gives up.
        largest_page_mb: Bound of a page, in memory, unpacked; a larger one is refused.
    """

    connector: Literal["rest"] = "rest"
    url: str
    allow_http: bool = False
    auth: Auth | None = None
    rate_limit: RateLimited | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    timeout: Annotated[float, Field(gt=0, le=3600)] = 60
    attempts: Annotated[int, Field(ge=1, le=100)] = 6
    largest_page_mb: Annotated[float, Field(gt=0, le=1000)] = 32
    streams: dict[StreamName, RestStream] = Field(min_length=1)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        _check_address("url", self.url)
        for name in self.headers:
            if _SECRET_HEADER.search(name):  # the value is not shown
                raise ValueError(
                    f"headers.{name} looks like a secret: keep it with 'analyticspro secrets set' "
                    f"and name it in auth, such as auth = {{ header = {name!r}, key = 'api_key' }}"
                )
        return self

    def connect(self, secrets: Secrets) -> Connector:
        """Return what reads this source; nothing is asked yet."""
        from analyticspro.connectors.rest import RestConnector  # loads an HTTP library

        return RestConnector(self, secrets)


def _check_address(name: str, url: str) -> None:
    """Raise ValueError unless `url` can be asked; it is not shown, an account may be in it."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = None
    if not is_address:
        raise ValueError(f"{name} is no address; write one such as https://api.example.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} holds an account; take it out and declare auth")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} has parameters; write them into parameters of the stream")
