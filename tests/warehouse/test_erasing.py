"""Who is erased is gone from the figures, as if they had never been there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyticspro.errors import DefinitionError
from analyticspro.events import WriteMode
from analyticspro.metrics import catalog
from analyticspro.warehouse import OF_SESSIONS, Subject, Warehouse, every_session
from tests.metrics.shop import EVENTS, Shop
from tests.warehouse.erased import ANN, NOW, QUARTER, U1, erase, event, quiet, read, store


@pytest.fixture(params=["from events", "from rollups", "half of it archived"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with Shop.at(tmp_path) as opened:
        if request.param == "from events":
            opened.holds(EVENTS)
        else:
            opened.holds_in_two_steps(EVENTS)
        if request.param == "half of it archived":
            opened.warehouse.archive.run(datetime(2024, 2, 1, tzinfo=UTC), at=NOW, progress=quiet)
        yield opened


# Figures


@pytest.mark.parametrize("subject", [ANN, U1, Subject(("bob", "zoe"), ("u2",))])
def test_figures_are_what_they_would_be_without_the_person(
    subject: Subject, shop: Shop, tmp_path_factory: pytest.TempPathFactory
):
    left = [
        each
        for each in EVENTS
        if each.customer not in subject.customers and each.user not in subject.users
    ]
    receipt = erase(shop.warehouse, subject)
    assert receipt["events"] == len(EVENTS) - len(left) > 0

    with Shop.at(tmp_path_factory.mktemp("without")) as without:
        without.holds(left)
        names = tuple(catalog.METRICS)
        for asked in ({}, {"grain": "day"}):
            assert shop.rows(*names, period=QUARTER, **asked) == without.rows(
                *names, period=QUARTER, **asked
            )
        sql = f"SELECT started_at, {', '.join(OF_SESSIONS)} FROM ({every_session()})"
        said = [
            sorted(map(str, read(each.warehouse, sql, sessions_up_to=0)))
            for each in (shop, without)
        ]
        assert said[0] == said[1]


def test_sums_that_are_kept_are_those_of_a_recomputation(shop: Shop):
    erase(shop.warehouse, ANN)
    keys = "bucket, source, name, currency, country, plan, channel"
    sums = "sum(events), sum(amounts), sum(amount_minor), sum(quantity)"

    def kept() -> list[Any]:
        return [
            sorted(map(str, read(shop.warehouse, sql)))
            for sql in (
                f"SELECT {keys}, {sums} FROM rollup_hour GROUP BY ALL HAVING sum(events) <> 0",
                f"SELECT {keys}, {sums} FROM rollup_month GROUP BY ALL HAVING sum(events) <> 0",
                "SELECT bucket, source, name, member, sum(events) FROM members_customer_id "
                "GROUP BY ALL",
                "SELECT bucket, sum(sessions), sum(lasted_us) FROM session_days GROUP BY ALL "
                "HAVING sum(sessions) <> 0",
            )
        ]

    before = kept()
    assert before[0]
    with shop.warehouse._database.cursor() as cursor:
        for table in ("rolled", "sessions_rolled", "sessions", "session_days"):
            cursor.execute(f"DELETE FROM {table}")
    shop.warehouse.compact()
    assert kept() == before
    assert read(
        shop.warehouse, "SELECT count(*) FROM members_customer_id WHERE member = hash('ann')"
    ) == [(0,)]


def test_no_sum_tells_when_they_were_there(shop: Shop):
    shop.warehouse.compact()
    theirs = [each.at.replace(tzinfo=None) for each in EVENTS if each.customer == "ann"]
    sql = "SELECT DISTINCT unnest([first, last]) FROM rollup_{} WHERE name LIKE 'order_%'"
    for grain in ("hour", "day", "month"):
        assert {at for (at,) in read(shop.warehouse, sql.format(grain))} & set(theirs)
    erase(shop.warehouse, ANN)
    for grain in ("hour", "day", "month"):
        assert not {at for (at,) in read(shop.warehouse, sql.format(grain))} & set(theirs)


def test_a_version_that_named_another_is_all_that_goes(warehouse: Warehouse):
    """An order that was put down to ann by mistake is bob's still."""
    store(warehouse, event(1, "ann", version=1), event(2, "bob", version=1), mode=WriteMode.MERGE)
    store(warehouse, event(1, "bob", version=2), event(2, "ann", version=2), mode=WriteMode.MERGE)
    receipt = erase(warehouse, ANN)
    assert (receipt["events"], receipt["older_versions"]) == (1, 2)
    assert read(warehouse, "SELECT event_id, customer_id FROM events") == [("1", "bob")]
    again = store(warehouse, event(1, "bob", version=2), event(2, "ann", version=9),
                  mode=WriteMode.MERGE)  # fmt: skip
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)


def test_nobody_is_erased_without_an_id():
    for ids in ((), ("",)):
        with pytest.raises(DefinitionError, match="needs the id of a person"):
            Subject(customers=ids)


def test_who_is_not_there_leaves_all_as_it_was(shop: Shop):
    before = shop.rows(*catalog.METRICS, period=QUARTER)
    receipt = erase(shop.warehouse, Subject(customers=("nobody",)))
    assert (receipt["events"], receipt["older_versions"], receipt["set_aside"]) == (0, 0, 0)
    assert shop.rows(*catalog.METRICS, period=QUARTER) == before


def test_an_erasure_that_follows_another_leaves_the_first_alone(shop: Shop):
    first = erase(shop.warehouse, ANN)
    second = erase(shop.warehouse, Subject(customers=("bob",)))
    assert (first["erasure"], second["erasure"]) == (1, 2)
    assert [each["erasure"] for each in shop.warehouse.erasing.receipts()] == [1, 2]
    assert read(shop.warehouse, "SELECT count(*), count(subject) FROM erasures") == [(2, 0)]
    assert read(shop.warehouse, "SELECT count(*) FROM erasing") == [(0,)]
    dead = first["ids_kept_out"] + second["ids_kept_out"]
    assert read(shop.warehouse, "SELECT count(*) FROM tombstones") == [(dead,)]
