"""What a source that is an SQL database declares: where it is, and which tables to read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, model_validator

from analyticspro.connectors.declaration import Columns, SourceName, Stream, Version
from analyticspro.connectors.page import Connector, PagedSource
from analyticspro.connectors.sql_address import Address
from analyticspro.events import WriteMode
from analyticspro.extract.secret import Secrets

__all__ = ["SqlSource", "SqlStream"]

_SELECT = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:select|with)\b", re.IGNORECASE | re.DOTALL)


def _query(text: str) -> str:
    if _SELECT.match(text) is None:
        raise ValueError("must start with SELECT or WITH")
    return text.rstrip().rstrip(";")


Seconds = Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)]


class SqlStream(Stream):
    """The rows of one table or view, or of one SELECT; and how the new ones are told.

    With `updated_at`, rows are read in the order of that column and of `key`, on from where
    the last sync ended, less `lookback`. Without it the table only grows, and is read in the
    order of `key`, less `overlap`; or it is read whole at each sync (`mode = "replace"`).

    Attributes:
        table: NAME or SCHEMA.NAME; a list where a name itself has a dot.
        query: A SELECT instead.
        updated_at: The column that every change of a row raises. Its format may be `number`,
            for a counter.
        keep: Columns to keep with the raw record, besides those that the mapping reads;
            nothing else leaves the database.
        lookback: How many seconds back is read again. A transaction stamps its rows before it
            commits, and only then can they be seen; so as long as the longest transaction
            that writes to the table takes.
        overlap: How many rows back is read again where there is no time to go by; and at most,
            where all that is newer than `lookback` was read again.
        mode: Without it, `merge` where there is a version; else `replace` where there is
            `updated_at`: the row as it was read last stands; else `append`.
    """

    table: tuple[str, ...] = ()
    query: Annotated[str, AfterValidator(_query)] | None = None
    updated_at: Version | None = None
    keep: Columns = ()
    lookback: Seconds = 600
    overlap: Annotated[int, Field(ge=0, le=1_000_000)] = 1000

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        wide = dict(given)
        if isinstance(wide.get("table"), str):
            wide["table"] = wide["table"].split(".")
        if isinstance(wide.get("updated_at"), str):
            wide["updated_at"] = {"column": wide["updated_at"]}
        return wide

    @model_validator(mode="after")
    def _can_read(self) -> Self:
        if bool(self.table) == (self.query is not None):
            raise ValueError("needs exactly one of table and query")
        if self.table and (len(self.table) > 2 or not all(self.table)):
            raise ValueError("table must be NAME or SCHEMA.NAME, or a list of these names")
        if any("\0" in name for name in self.table):
            raise ValueError("no table's name holds a NUL character")
        if self.write_mode is WriteMode.MERGE and self.updated_at is None:
            raise ValueError("mode is 'merge', which needs updated_at: what tells a changed row")
        for name, is_used in (("lookback", self.is_timed), ("overlap", not self.is_whole)):
            if name in self.model_fields_set and not is_used:
                raise ValueError(f"{name} says nothing about a stream like this; remove {name}")
        return self

    @property
    def write_mode(self) -> WriteMode:
        """What a second record under the same key means."""
        if self.mode is None and self.version is None and self.updated_at is not None:
            return WriteMode.REPLACE
        return super().write_mode

    @property
    def is_whole(self) -> bool:
        """Whether it is read whole each time, so that a row that vanished is noticed."""
        return self.updated_at is None and self.write_mode is WriteMode.REPLACE

    @property
    def is_timed(self) -> bool:
        """Whether what is read again is told by time."""
        return self.updated_at is not None and self.updated_at.format != "number"

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that rows are read in the order of."""
        if self.updated_at is None:
            return self.key
        return tuple(dict.fromkeys((self.updated_at.column, *self.key)))

    def columns(self) -> set[str]:
        """Return the columns to read."""
        return super().columns() | set(self.order) | set(self.keep)


class SqlSource(PagedSource):
    """A database: PostgreSQL, MariaDB or MySQL, or a file of SQLite; read, never written.

    Attributes:
        url: As of `Address`, without a password.
        password: Name of the secret.
        tls: `prefer` (if the server can), `require`, or `verify`: also that it is the server
            it says it is.
        tls_ca: File with the certificates to trust, where the system's are not the ones.
        statement_timeout: Seconds after which the database gives a query up.
        page_rows: The most rows to ask for at once; fewer where they are large.
    """

    connector: Literal["sql"] = "sql"
    url: str
    password: str | None = None
    tls: Literal["prefer", "require", "verify"] = "prefer"
    tls_ca: str | None = None
    connect_timeout: Annotated[int, Field(ge=1, le=600)] = 10
    statement_timeout: Annotated[int, Field(ge=1, le=86_400)] = 300
    page_rows: Annotated[int, Field(ge=1, le=50_000)] = 20_000
    streams: dict[SourceName, SqlStream] = Field(min_length=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        # Said here, of the table as a whole: an error about one value would show it.
        address = Address.parse(self.url)
        if re.fullmatch(r"[a-z][a-z0-9_]{0,59}", self.password or "a") is None:
            raise ValueError(
                "password must be the name of a secret (small letters, digits, underscores), not "
                "the secret itself; keep that with 'analyticspro secrets set'"
            )
        if self.tls_ca is not None and self.tls != "verify":
            raise ValueError("tls_ca needs tls = 'verify'")
        if address.kind == "sqlite":
            for name in ("password", "tls", "tls_ca"):
                if name in self.model_fields_set:
                    raise ValueError(f"{name} says nothing about a file of SQLite; remove {name}")
        return self

    @property
    def address(self) -> Address:
        """Where it is."""
        return Address.parse(self.url)

    def within(self, folder: Path) -> Self:
        """Return the source with its relative paths taken from `folder`."""
        changes: dict[str, object] = {}
        if self.tls_ca is not None:
            changes["tls_ca"] = str((folder / Path(self.tls_ca).expanduser()).absolute())
        if self.address.kind == "sqlite":
            file = (folder / Path(self.address.database).expanduser()).absolute()
            changes["url"] = f"sqlite:///{quote(str(file))}"
        return self.model_copy(update=changes)

    def connect(self, secrets: Secrets) -> Connector:
        """Return what reads this source."""
        # SQLAlchemy and a driver take a third of a second that other sources need not pay.
        from analyticspro.connectors.sql import SqlConnector

        return SqlConnector(self, secrets)
