"""What data policies leave of the views that a person's own SQL reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analyticspro.config import Home
from analyticspro.errors import DefinitionError, Forbidden
from analyticspro.policy import OWNER, Grant, RowFilter, Scope
from analyticspro.warehouse import Warehouse
from analyticspro.warehouse.governed import COLUMNS, Sight, make_views
from tests.metrics.shop import EVENTS, Shop
from tests.security.sql_asking import QUICK, ask, locked, unchanged


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


def test_another_scope_sees_nothing(warehouse: Warehouse):
    with warehouse.reader(Scope("ada")) as reader, pytest.raises(Forbidden, match="ada"):
        reader.ask("SELECT 1", {}, QUICK, lambda: False)


def test_a_grant_is_what_shows(warehouse: Warehouse):
    """Tags mask fields, filters leave out rows, of customers too; sessions would tell of both."""
    country = RowFilter.parse("country=Italy")
    ada = Scope("ada", (Grant(frozenset(), (country,)),))

    def seen(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.reader(ada) as reader:
            return reader.ask(statement, {}, QUICK, lambda: False).frame.rows()

    assert seen("SELECT DISTINCT country, amount_minor, properties FROM events") == [
        ("Italy", None, None)
    ]
    [(customers,)] = seen("SELECT count(*) FROM customers")
    wanted = ask(
        warehouse, "SELECT count(DISTINCT customer_id) FROM events WHERE country = 'Italy'"
    )
    assert wanted == [(customers,)]
    with pytest.raises(DefinitionError, match="sessions"):
        seen("SELECT * FROM sessions")


def test_masks_and_row_filters_hold_in_the_views(warehouse: Warehouse):
    """The place where data policies go in, tried with ones of our own."""
    sights = dict.fromkeys(COLUMNS, Sight()) | {
        "events": Sight(
            shown={"customer_id": "country = 'Italy'", "amount_minor": "false"},
            rows="country IN ('Italy', 'France')",
        )
    }
    with warehouse.reader(OWNER) as reader:
        cursor = locked(reader)
        make_views(cursor, sights, (), 0)
        seen = cursor.sql(
            "SELECT country, count(customer_id) > 0, count(amount_minor) FROM governed_events "
            "GROUP BY ALL ORDER BY country"
        ).fetchall()
        assert seen == [("France", False, 0), ("Italy", True, 0)]
        shown = cursor.sql("SELECT customer_id FROM governed_customers").fetchall()
        italians = ask(warehouse, "SELECT DISTINCT customer_id FROM events WHERE "
                                  "country = 'Italy' AND customer_id IS NOT NULL")  # fmt: skip
        assert sorted(shown) == sorted(italians)
        # A condition that fails on a row that is not shown tells nothing of it.
        cursor.sql(
            "SELECT * FROM governed_events WHERE CAST(CASE WHEN country = 'Germany' "
            "THEN country ELSE '1' END AS INT) = 1"
        ).fetchall()


def test_numbers_of_credits_show_to_who_is_granted_the_tag(warehouse: Warehouse):
    """Quantities of orders are nobody's secret; those of credits stand in the same column."""
    statement = "SELECT name, sum(quantity) FROM events WHERE quantity IS NOT NULL GROUP BY ALL"
    everything = dict(ask(warehouse, statement))
    of_credits = {name for name in everything if name.startswith("credits_")}
    assert len(of_credits) == 5
    assert everything.keys() > of_credits
    for tag, shown in (("credits", everything.keys()), ("pii", everything.keys() - of_credits)):
        with warehouse.reader(Scope("ada", (Grant(frozenset({tag})),))) as reader:
            found = reader.ask(statement, {}, QUICK, lambda: False).frame.rows()
        assert dict(found) == {name: everything[name] for name in shown}
