"""PostgreSQL, through psycopg: every value is the text that the server writes."""

from __future__ import annotations

import math
import ssl
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

from analyticspro.connectors.json_text import Number, plain_text
from analyticspro.connectors.sql_database import Column
from analyticspro.connectors.sql_failures import Failure
from analyticspro.connectors.sql_source import SqlSource

__all__ = ["PostgreSQL"]

_BOOLEAN, _TIMESTAMP, _INSTANT = 16, 1114, 1184
_NUMBERS = {20, 21, 23, 26, 700, 701, 1700}

# Set within the transaction, so that a pooler may hand the connection to somebody else.
_SETTINGS = """
    SELECT set_config('statement_timeout', :timeout, true),
        set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
        set_config('IntervalStyle', 'iso_8601', true), set_config('bytea_output', 'hex', true),
        set_config('extra_float_digits', '1', true)"""

# A standby shows what was committed up to the last transaction that it has replayed.
_CLOCK = """
    SELECT extract(epoch FROM least(clock_timestamp(),
        CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END))"""

_COLUMNS = """
    SELECT attname, attnotnull FROM pg_attribute
    WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

_TABLES = """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN relname ELSE nspname || '.' || relname END
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'v', 'm', 'p', 'f') AND nspname <> 'information_schema'
        AND nspname NOT LIKE 'pg\\_%'"""

# By the first two characters of an SQLSTATE, unless a whole one is listed.
# Source: PostgreSQL's documentation, Appendix A.
_STATES = {
    "08": Failure.AWAY,
    "28": Failure.REFUSED,
    "3D000": Failure.NO_DATABASE,
    "3F000": Failure.NO_TABLE,
    "42P01": Failure.NO_TABLE,
    "42703": Failure.NO_COLUMN,
    "42501": Failure.FORBIDDEN,
    "25006": Failure.WRITES,
    "57014": Failure.SLOW,
    "40": Failure.BUSY,
    "53": Failure.BUSY,
    "55": Failure.BUSY,
    "57": Failure.BUSY,
    "58": Failure.BUSY,
}

# A connection that fails has no SQLSTATE. Servers that speak another language than English
# are told by what follows in `failure`.
_SAID = {
    "password authentication failed": Failure.REFUSED,
    "no password supplied": Failure.REFUSED,
    "no pg_hba.conf entry": Failure.REFUSED,
    "authentication failed": Failure.REFUSED,
    "is not permitted to log in": Failure.REFUSED,
    "permission denied for database": Failure.FORBIDDEN,
    "but SSL was required": Failure.NO_TLS,
    "certificate": Failure.NO_TLS,
    "SSL error": Failure.NO_TLS,
    'role "': Failure.REFUSED,
    "does not exist": Failure.NO_DATABASE,
    "too many": Failure.BUSY,
    "remaining connection slots": Failure.BUSY,
    "the database system is": Failure.BUSY,
}


class PostgreSQL:
    """A PostgreSQL server, or what speaks like one."""

    compares_rows = True
    error: type[Exception] = psycopg.Error

    def engine(self, source: SqlSource, password: str | None) -> Engine:
        """Return how to connect."""
        address = source.address
        url = URL.create("postgresql+psycopg", address.user, password, database=address.database)
        settings: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "connect_timeout": source.connect_timeout,
            "application_name": "analyticspro",
            "sslmode": "verify-full" if source.tls == "verify" else source.tls,
            # Statements that are kept in a session fail behind a pooler.
            "prepare_threshold": None,
            # A server that is gone without a word is noticed.
            "keepalives_idle": 30,
            "tcp_user_timeout": 1000 * (source.statement_timeout + 30),
        }
        if source.tls == "verify":
            # The driver's own OpenSSL looks for the system's certificates where they were on
            # the machine that built it.
            paths = ssl.get_default_verify_paths()
            settings["sslrootcert"] = source.tls_ca or paths.cafile or "system"
        return create_engine(url, connect_args=settings, poolclass=NullPool, hide_parameters=True)

    def prepare(self, connection: Connection, source: SqlSource) -> None:
        """Make the connection read only; take every value as text."""
        connection.rollback()
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.read_only = True
        for info in driver.adapters.types:
            driver.adapters.register_loader(info.oid, TextLoader)

    def begin(self, connection: Connection, source: SqlSource) -> None:
        """Start a transaction that can only read."""
        connection.execute(text(_SETTINGS), {"timeout": f"{source.statement_timeout}s"})

    def clock(self, connection: Connection) -> float | None:
        """Return the server's time; of a standby, how far it has come."""
        return float(connection.execute(text(_CLOCK)).scalar_one())

    def columns(self, connection: Connection, table: Sequence[str]) -> list[Column]:
        """Return the columns of a table or view; none if it is not there."""
        quoted = (part.replace('"', '""') for part in table)
        name = ".".join(f'"{part}"' for part in quoted)
        found = connection.execute(text(_COLUMNS), {"name": name})
        return [Column(name, is_nullable=needed != "t") for name, needed in found]

    def tables(self, connection: Connection) -> list[str]:
        """Return what can be read."""
        return list(connection.execute(text(_TABLES)).scalars())

    def text(self, code: Any, values: Sequence[Any]) -> Sequence[str | None]:
        """Return a column's values as text."""
        if code == _BOOLEAN:
            return [None if value is None else _BOOLEANS[value] for value in values]
        if code in (_TIMESTAMP, _INSTANT):
            return [None if value is None else _time(value) for value in values]
        base = _bases().get(code)
        if base is not None:
            return [plain_text(_element(value, base)) for value in values]
        return [_decoded(value) if isinstance(value, bytes) else value for value in values]

    def failure(self, error: BaseException) -> Failure:
        """Return what an error of psycopg means."""
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return _STATES.get(state) or _STATES.get(state[:2]) or Failure.OTHER
        for said, failure in _SAID.items():
            if said in str(error):
                return failure
        connection = getattr(error, "pgconn", None)
        if connection is not None and connection.needs_password:
            return Failure.REFUSED
        is_ours = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Failure.AWAY if is_ours else Failure.OTHER


_BOOLEANS = {"t": "true", "f": "false"}


def _bases() -> dict[int, int]:
    """Return the type of an array's elements, by the array's."""
    return {info.array_oid: info.oid for info in psycopg.adapters.types if info.array_oid}


def _time(written: str) -> str:
    day, blank, rest = written.partition(" ")
    if not blank:  # infinity
        return written
    return f"{day}T{rest.removesuffix('+00')}Z" if rest.endswith("+00") else f"{day}T{rest}"


def _element(value: Any, kind: int) -> object:
    if isinstance(value, list):
        return [_element(item, kind) for item in value]
    if value is None:
        return None
    if kind == _BOOLEAN:
        return bool(value == "t")
    if kind in (_TIMESTAMP, _INSTANT):
        return _time(value)
    return Number(value) if kind in _NUMBERS and math.isfinite(float(value)) else value


def _decoded(value: bytes) -> str:
    # A database that knows no encoding gives bytes.
    return value.decode("utf-8", "surrogateescape")
