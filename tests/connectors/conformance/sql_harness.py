"""The SQL connector under the conformance suite, once for each kind of database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from analyticspro.connectors import Connector, Page
from analyticspro.events import WriteMode
from tests.connectors.conformance.harness import STREAM, Record
from tests.connectors.sql.servers import maria_server, postgres_server
from tests.connectors.sql.shop import Shop, maria_shop, postgres_shop, sqlite_shop

_TABLE = "CREATE TABLE things (id varchar(20) PRIMARY KEY, at {} NOT NULL, total varchar(20))"
_DECLARED = {
    "table": "things",
    "updated_at": "at",
    "version": "at",
    "lookback": 3600,
    "overlap": 1000,
    "occurred_at": "at",
    "customer_id": None,
    "properties": {},
    "currency": "EUR",
}


class SqlHarness:
    """A table of a real database."""

    def __init__(self, kind: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self._shop = self._made(kind)
        self._shop.run(_TABLE.format(self._shop.instant))
        self._columns = {"id", "at", "total"}
        self._act: Callable[[int], None] = lambda number: None

    def _made(self, kind: str) -> Shop:
        if kind == "postgresql":
            return postgres_shop(postgres_server())
        if kind == "mariadb":
            return maria_shop(maria_server())
        return sqlite_shop(self._folder / "shop.sqlite")

    def connector(self) -> Connector:
        return _Acting(self._shop.connector(_DECLARED, page_rows=5), self._act)

    def put(self, records: Sequence[Record]) -> None:
        place = "?" if self._shop.kind == "sqlite" else "%s"
        with closing(self._shop.connect()) as connection:
            cursor = connection.cursor()
            for record in records:
                row = {"id": record.id, "at": f"{record.at:%Y-%m-%d %H:%M:%S}"}
                row |= {"total": record.total, **record.extra}  # type: ignore[dict-item]
                for name in row.keys() - self._columns:
                    cursor.execute(f"ALTER TABLE things ADD {name} varchar(20)")
                    self._columns.add(name)
                cursor.execute(f"DELETE FROM things WHERE id = {place}", (record.id,))
                values = ", ".join([place] * len(row))
                cursor.execute(
                    f"INSERT INTO things ({', '.join(row)}) VALUES ({values})", tuple(row.values())
                )
            connection.commit()

    def delete(self, ids: Sequence[str]) -> None:
        self._shop.run(*(f"DELETE FROM things WHERE id = '{name}'" for name in ids))

    def order(self, ids: Sequence[str]) -> None:
        """Rows of a table have no order of their own."""

    def between_pages(self, act: Callable[[int], None]) -> None:
        self._act = act

    def stop(self) -> None:
        shutil.rmtree(self._folder)


class _Acting:
    """A connector, and what happens in its database whenever a page has been read."""

    def __init__(self, connector: Connector, act: Callable[[int], None]) -> None:
        self.name = connector.name
        self._connector = connector
        self._act = act

    def streams(self) -> Mapping[str, WriteMode]:
        return self._connector.streams()

    def read(self, stream: str, cursor: str | None, *, now: datetime) -> Iterator[Page]:
        assert stream == STREAM
        for number, page in enumerate(self._connector.read(stream, cursor, now=now), 1):
            self._act(number)
            yield page
