"""MariaDB and MySQL, through PyMySQL."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pymysql
from pymysql.constants import CR, ER, FIELD_TYPE
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text

from analyticspro.connectors.sql_database import Column
from analyticspro.connectors.sql_failures import Failure
from analyticspro.connectors.sql_source import SqlSource

__all__ = ["MySQL"]

# Integers and decimals stay numbers, so that they are compared as such when they are sent
# back: as text they would be compared as floats. Times stay text: some are no Python dates.
_INTEGERS = (
    FIELD_TYPE.TINY,
    FIELD_TYPE.SHORT,
    FIELD_TYPE.INT24,
    FIELD_TYPE.LONG,
    FIELD_TYPE.LONGLONG,
    FIELD_TYPE.YEAR,
)
_DECODERS: dict[int, Any] = {
    **dict.fromkeys(_INTEGERS, int),
    FIELD_TYPE.DECIMAL: Decimal,
    FIELD_TYPE.NEWDECIMAL: Decimal,
    FIELD_TYPE.BIT: lambda value: int.from_bytes(value, "big"),
}

_COLUMNS = """
    SELECT column_name, is_nullable, data_type FROM information_schema.columns
    WHERE table_schema = coalesce(:schema, database()) AND table_name = :name
    ORDER BY ordinal_position"""
_TABLES = """
    SELECT CASE WHEN table_schema = database() THEN table_name
        ELSE concat(table_schema, '.', table_name) END
    FROM information_schema.tables WHERE table_schema NOT IN
        ('information_schema', 'mysql', 'performance_schema', 'sys')"""

_LIMIT_OF_MARIADB = "SET SESSION max_statement_time = :seconds"
_LIMIT_OF_MYSQL = "SET SESSION max_execution_time = 1000 * :seconds"

# Sources: MySQL's and MariaDB's lists of error numbers; those of MariaDB start at 1900.
_NUMBERS = {
    ER.ACCESS_DENIED_ERROR: Failure.REFUSED,
    ER.HOST_NOT_PRIVILEGED: Failure.REFUSED,
    ER.HOST_IS_BLOCKED: Failure.REFUSED,
    ER.NOT_SUPPORTED_AUTH_MODE: Failure.REFUSED,
    1698: Failure.REFUSED,
    1862: Failure.REFUSED,  # the password has expired
    2059: Failure.REFUSED,  # a way to sign in that the driver does not know
    ER.DBACCESS_DENIED_ERROR: Failure.FORBIDDEN,
    ER.TABLEACCESS_DENIED_ERROR: Failure.FORBIDDEN,
    ER.COLUMNACCESS_DENIED_ERROR: Failure.FORBIDDEN,
    ER.SPECIFIC_ACCESS_DENIED_ERROR: Failure.FORBIDDEN,
    1370: Failure.FORBIDDEN,  # a function
    ER.BAD_DB_ERROR: Failure.NO_DATABASE,
    ER.NO_SUCH_TABLE: Failure.NO_TABLE,
    ER.BAD_FIELD_ERROR: Failure.NO_COLUMN,
    1290: Failure.WRITES,
    1792: Failure.WRITES,
    ER.CON_COUNT_ERROR: Failure.BUSY,
    ER.SERVER_SHUTDOWN: Failure.BUSY,
    ER.TOO_MANY_USER_CONNECTIONS: Failure.BUSY,
    ER.LOCK_WAIT_TIMEOUT: Failure.BUSY,
    ER.LOCK_DEADLOCK: Failure.BUSY,
    1317: Failure.BUSY,  # interrupted
    1927: Failure.BUSY,  # the connection was killed
    1969: Failure.SLOW,
    3024: Failure.SLOW,
    CR.CR_SSL_CONNECTION_ERROR: Failure.NO_TLS,
    **dict.fromkeys(
        (CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST), Failure.AWAY
    ),
    **dict.fromkeys((CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 0), Failure.AWAY),
}


class MySQL:
    """A MariaDB or MySQL server."""

    compares_rows = False
    error: type[Exception] = pymysql.Error

    def engine(self, source: SqlSource, password: str | None) -> Engine:
        """Return how to connect."""
        address = source.address
        url = URL.create("mysql+pymysql", address.user, password, database=address.database)
        settings: dict[str, Any] = {
            "host": "localhost" if address.is_socket else address.host,
            "port": address.port,
            "unix_socket": address.host if address.is_socket else None,
            "charset": "utf8mb4",
            "connect_timeout": source.connect_timeout,
            # The server gives a query up by itself; this is for one that is gone.
            "read_timeout": source.statement_timeout + 30,
            "program_name": "analyticspro",
            "local_infile": False,
        }
        if source.tls != "prefer":  # which is what the driver does by itself
            settings["ssl"] = _tls(source)
        return create_engine(url, connect_args=settings, poolclass=NullPool, hide_parameters=True)

    def prepare(self, connection: Connection, source: SqlSource) -> None:
        """Make the connection read only, and instants UTC."""
        seconds = source.statement_timeout
        limit = _LIMIT_OF_MYSQL
        if getattr(connection.dialect, "is_mariadb", False):
            limit = _LIMIT_OF_MARIADB
        connection.execute(text(limit), {"seconds": seconds})
        connection.execute(text("SET SESSION lock_wait_timeout = :value"), {"value": seconds})
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        connection.execute(text("SET SESSION time_zone = '+00:00'"))
        connection.rollback()
        driver = connection.connection.driver_connection
        assert isinstance(driver, pymysql.connections.Connection)
        driver.decoders = _DECODERS

    def begin(self, connection: Connection, source: SqlSource) -> None:
        """Start a transaction that can only read."""
        connection.execute(text("START TRANSACTION READ ONLY"))

    def clock(self, connection: Connection) -> float | None:
        """Return the server's time."""
        return float(connection.execute(text("SELECT unix_timestamp(sysdate(6))")).scalar_one())

    def columns(self, connection: Connection, table: Sequence[str]) -> list[Column]:
        """Return the columns of a table or view; none if it is not there.

        An enum is sorted by the number of its value and compared by its text.
        """
        *schema, name = table
        names = {"schema": schema[0] if schema else None, "name": name}
        return [
            Column(column, is_nullable=nullable == "YES", is_sorted=kind not in ("enum", "set"))
            for column, nullable, kind in connection.execute(text(_COLUMNS), names)
        ]

    def tables(self, connection: Connection) -> list[str]:
        """Return what can be read."""
        return list(connection.execute(text(_TABLES)).scalars())

    def text(self, code: Any, values: Sequence[Any]) -> Sequence[str | None]:
        """Return a column's values as text."""
        if code in (FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATETIME):
            end = "Z" if code == FIELD_TYPE.TIMESTAMP else ""
            return [v if v is None else f"{v.replace(' ', 'T', 1)}{end}" for v in values]
        return [value if value is None else _text(value) for value in values]

    def failure(self, error: BaseException) -> Failure:
        """Return what an error of PyMySQL means."""
        number = error.args[0] if error.args else None
        if isinstance(number, int) and number in _NUMBERS:
            is_tls = "SSL" in str(error) or "certificate" in str(error)
            failure = _NUMBERS[number]
            return Failure.NO_TLS if failure is Failure.AWAY and is_tls else failure
        if "cryptography" in str(error):  # needed to send a password without TLS
            return Failure.NO_TLS
        return Failure.AWAY if isinstance(error, OSError) else Failure.OTHER


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(value)


def _tls(source: SqlSource) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=source.tls_ca)
    if source.tls == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
