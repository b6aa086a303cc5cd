"""A figure is read from the coarsest rollup that answers exactly, else from the events.

That it is the same figure, whichever it is read from, every other test here proves: the shop
they ask is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyticspro.config import Settings
from analyticspro.metrics import Query
from tests.metrics.shop import EVENTS, Shop

LONDON = "Europe/London"


@pytest.fixture(scope="module")
def rolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop.at(tmp_path_factory.mktemp("rolled"), LONDON) as opened:
        yield opened.holds_in_two_steps(EVENTS)


def read_from(shop: Shop, *metrics: str, zone: str = LONDON, **asked: object) -> set[str]:
    """Return the tables that the figures were read from."""
    query = Query.of(*metrics, **{"period": "2024-01-01..2024-04-01"} | asked)  # type: ignore[arg-type]
    settings = Settings(timezone=zone, currency="GBP")
    sql = "\n".join(shop.ask(query, settings=settings).provenance["statements"])
    tables = ("rollup_hour", "rollup_day", "rollup_month", "members_order_id", "count(DISTINCT")
    return {table for table in tables if table in sql}


@pytest.mark.parametrize(
    ("asked", "tables"),
    [
        pytest.param({"grain": "day"}, {"rollup_day"}, id="days"),
        pytest.param({"grain": "week"}, {"rollup_day"}, id="weeks"),
        pytest.param({"grain": "month"}, {"rollup_month"}, id="months"),
        pytest.param({"grain": "quarter"}, {"rollup_month"}, id="quarters"),
        pytest.param({}, {"rollup_month"}, id="whole months in all"),
        pytest.param({"period": "2024-01-02..2024-02-09"}, {"rollup_day"}, id="whole days in all"),
        pytest.param({"grain": "hour"}, {"rollup_hour"}, id="hours"),
        pytest.param({"by": "country"}, {"rollup_month"}, id="by a dimension that is kept"),
        pytest.param({"by": "product"}, set(), id="by one that is not"),
        pytest.param({"where": {"product": "cup"}}, set(), id="filtered by one that is not"),
        pytest.param({"grain": "day", "zone": "UTC"}, {"rollup_hour"}, id="days of another zone"),
        pytest.param({"grain": "day", "zone": "Asia/Kolkata"}, set(), id="half hours off"),
        pytest.param({"period": "2024-01-01T10:00..2024-01-01T22:00"}, set(), id="part of a day"),
    ],
)
def test_the_coarsest_that_answers_is_read(asked: dict[str, str], tables: set[str], rolled: Shop):
    assert read_from(rolled, "revenue", **asked) == tables


def test_distinct_counts_are_read_from_who_was_there_each_day(rolled: Shop):
    assert read_from(rolled, "orders", grain="day") == {"rollup_day", "members_order_id"}
    assert read_from(rolled, "orders", grain="day", by="country") == {"count(DISTINCT"}


def test_nothing_is_read_from_rollups_that_are_not_there(empty: Shop):
    assert read_from(empty.holds(EVENTS), "revenue", zone="UTC", grain="day") == set()


def test_rollups_of_another_zone_are_made_anew(tmp_path: Path):
    with Shop.at(tmp_path, LONDON) as shop:
        shop.holds(EVENTS).warehouse.compact()
        before = shop.rows("revenue", grain="day", zone="Asia/Tokyo")
    with Shop.at(tmp_path, "Asia/Tokyo") as shop:
        assert read_from(shop, "revenue", zone="Asia/Tokyo", grain="day") == set()
        shop.warehouse.compact()
        assert read_from(shop, "revenue", zone="Asia/Tokyo", grain="day") == {"rollup_day"}
        assert shop.rows("revenue", grain="day", zone="Asia/Tokyo") == before
