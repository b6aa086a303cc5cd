"""A person's own SQL stays on the governed views, reads only, and ends in time.

Three walls, each attacked by itself: what sqlglot reads, what DuckDB reads, and DuckDB's own
locks, for whatever should pass both.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError, DefinitionError, Forbidden, Stopped
from analyticspro.policy import OWNER
from analyticspro.sql import Limits, check
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.governed import COLUMNS
from tests.metrics.shop import EVENTS, Shop
from tests.security.sql_asking import QUICK, ask, locked, unchanged
from tests.security.sql_statements import ESCAPES, TOO_MUCH


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("sql") / "home").prepare()
    with Shop.at(made.path) as shop:
        shop.holds(EVENTS)
    return made


@pytest.fixture(scope="module")
def warehouse(home: Home) -> Iterator[Warehouse]:
    with unchanged(home) as opened:
        yield opened


def test_what_is_granted_can_be_read(warehouse: Warehouse):
    assert ask(warehouse, "SELECT count(*) FROM events") == [(len(EVENTS),)]
    assert ask(warehouse, 'SELECT count(*) FROM SESSIONS, "Customers" AS c WHERE $t', {"t": True})
    for view, columns in COLUMNS.items():
        with warehouse.reader(OWNER) as reader:
            told = reader.ask(f"FROM {view}", {}, QUICK, lambda: False)
        assert told.frame.columns == list(columns)


@pytest.mark.parametrize("statement", [text.replace("\x01", "\n") for text in ESCAPES])
class TestEscapes:
    def test_it_is_refused(self, statement: str, warehouse: Warehouse, home: Home):
        with pytest.raises(AnalyticsProError) as refused:
            ask(warehouse, statement)
        assert isinstance(refused.value, DefinitionError | Forbidden)
        told = str(refused.value)
        assert str(home.path) not in told
        assert "root:" not in told
        assert not list(Path("/tmp").glob("analyticspro-escaped*"))

    def test_duckdbs_own_reading_refuses_it_too(self, statement: str, warehouse: Warehouse):
        with warehouse.reader(OWNER) as reader:
            text = statement.replace("\0", "")
            [(tree,)] = (
                locked(reader).execute("SELECT json_serialize_sql($s)", {"s": text}).fetchall()
            )
        if statement in PASSES_READING:
            return
        with pytest.raises((DefinitionError, Forbidden)):
            check(json.loads(tree))


# Names that only the views lack, or that only look like others: no columns, no tables.
PASSES_READING = {
    "SELECT raw FROM events",
    "SELECT * FROM temp.main.governed_events",
}


@pytest.mark.parametrize("statement", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_takes_too_much_is_ended(statement: str, warehouse: Warehouse):
    with pytest.raises(DefinitionError):
        ask(warehouse, statement)
    assert ask(warehouse, "SELECT count(*) FROM events") == [(len(EVENTS),)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/analyticspro-escaped.csv'",
        "ATTACH '/tmp/analyticspro-escaped.db' AS other",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "INSTALL httpfs",
        "DELETE FROM hot",
        "CREATE TABLE x AS SELECT 1",
        "SELECT * FROM frame",
    ],
)
def test_duckdb_itself_is_locked(statement: str, warehouse: Warehouse):
    frame = [1]  # which DuckDB would find, were it to look at Python's variables
    with warehouse.reader(OWNER) as reader, pytest.raises(duckdb.Error):
        locked(reader).execute(statement)
    assert frame
    assert not list(Path("/tmp").glob("analyticspro-escaped*"))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT CAST(customer_id AS INT) FROM events",
        "SELECT customer_id::DATE FROM events",
        "SELECT customer_id::DECIMAL(3, 1) FROM events",
        "SELECT strptime(customer_id, '%Y') FROM events",
        "SELECT json_extract(customer_id, '$.a') FROM events",
        "SELECT chr(amount_minor::INT * -1000000) || customer_id FROM events",
        "SELECT regexp_matches('x', customer_id || '(') FROM events",
        "SELECT (SELECT customer_id FROM events)",
    ],
)
def test_an_error_tells_no_value(statement: str, warehouse: Warehouse):
    customers = {row[0] for row in ask(warehouse, "SELECT customer_id FROM customers")}
    assert customers
    with pytest.raises(AnalyticsProError) as refused:
        ask(warehouse, statement)
    told = str(refused.value)
    assert [name for name in customers if re.search(rf"\b{name}\b", told)] == []


def test_who_has_gone_is_not_worked_for(warehouse: Warehouse):
    gone = threading.Event()
    threading.Timer(0.3, gone.set).start()
    with warehouse.reader(OWNER) as reader, pytest.raises(Stopped):
        reader.ask(TOO_MUCH["of ranges"], {}, Limits(), gone.is_set)


def test_an_answer_is_cut_at_rows_and_at_bytes(warehouse: Warehouse):
    with warehouse.reader(OWNER) as reader:
        told = reader.ask("FROM range(10000000000)", {}, Limits(rows=5000), lambda: False)
    assert (told.frame.height, told.is_cut) == (5000, True)
    with warehouse.reader(OWNER) as reader:
        told = reader.ask("FROM range(5000)", {}, Limits(rows=5000), lambda: False)
    assert (told.frame.height, told.is_cut) == (5000, False)
    with warehouse.reader(OWNER) as reader:
        told = reader.ask("FROM range(10000000000)", {}, Limits(bytes=80_000), lambda: False)
    assert told.is_cut
    assert 9_000 < told.frame.height <= 10_000
