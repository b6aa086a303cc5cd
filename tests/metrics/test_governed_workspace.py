"""What a workspace tells beside figures, remembers and lists is of granted rows and fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from analyticspro.config import Home
from analyticspro.errors import Forbidden, UnknownName
from analyticspro.events import SCHEMA
from analyticspro.ingest import load_events
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.restated import restated
from analyticspro.policy import OWNER, Grant, Role, RowFilter, Scope, scope_of_role
from analyticspro.warehouse import Warehouse
from analyticspro.workspace import Workspace

AT = datetime(2024, 1, 1, tzinfo=UTC)
REVENUE = frozenset({"revenue"})
FRANCE, ITALY = (
    Scope(f"of {code}", (Grant(REVENUE, (RowFilter("country", (code,)),), name=code),))
    for code in ("FR", "IT")
)
ANALYST = scope_of_role(Role.ANALYST, "p1")
VIEWER = scope_of_role(Role.VIEWER, "p2")


def order(number: int, country: str, coupon: str) -> dict[str, object]:
    properties = {"country": country, "coupon": coupon, "order_id": f"o{number}"}
    return {
        "event_id": str(number),
        "name": "order_placed",
        "occurred_at": AT + timedelta(days=number),
        "customer_id": f"c{number}",
        "amount_minor": 100 * 10**number,
        "currency": "EUR" if country == "FR" else "USD",
        "properties": json.dumps(properties),
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Three orders of two countries, each with a coupon, which is a dimension."""
    home = Home(tmp_path / "home").prepare()
    rows = [order(0, "FR", "SPRING"), order(1, "IT", "SECRET"), order(2, "FR", "AUTUMN")]
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path / "backups")
    load_events("shop", pl.DataFrame(rows, SCHEMA), warehouse, progress=lambda _: None)
    warehouse.close()
    with Workspace.open(home) as opened:
        opened.dimensions.promote(
            "order_placed", "coupon", None, now=AT, progress=lambda done, total: None
        )
        yield opened


def asked(workspace: Workspace, scope: Scope, query: Query) -> Answer:
    [answer] = workspace.answers([query], scope)
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_an_answer_is_remembered_for_who_sees_the_same_alone(workspace: Workspace):
    query = Query.of("revenue")
    one, again = asked(workspace, FRANCE, query), asked(workspace, FRANCE, query)
    other = asked(workspace, ITALY, query)

    assert (one.provenance["cached"], again.provenance["cached"]) == (False, True)
    assert other.provenance["cached"] is False
    assert float(one.frame.item()) == 101.0
    assert float(other.frame.item()) == 10.0
    alike = replace(FRANCE, grants=ITALY.grants)  # the same name, since granted something else
    assert float(asked(workspace, alike, query).frame.item()) == 10.0


def test_a_property_is_for_admins_until_it_is_tagged_and_then_by_its_tags(workspace: Workspace):
    query = Query.of("orders", by="coupon")
    with pytest.raises(Forbidden, match="orders by coupon is not tagged yet, so it is for admins"):
        asked(workspace, ANALYST, query)
    with pytest.raises(Forbidden):
        workspace.values("coupon", ANALYST)
    assert "coupon" not in json.dumps(workspace.catalogue(ANALYST))
    assert "coupon" in json.dumps(workspace.catalogue(scope_of_role(Role.ADMIN, "p9")))
    with pytest.raises(UnknownName) as misspelt:
        asked(workspace, ANALYST, Query.of("orders", by="coupons"))
    assert "'coupon'" not in str(misspelt.value)

    workspace.schema.tag("order_placed", "coupon", ["revenue"], now=AT)
    assert asked(workspace, ANALYST, query).frame.height == 3
    workspace.schema.tag("order_placed", "coupon", ["loyalty"], now=AT)
    with pytest.raises(Forbidden, match="tags loyalty, revenue"):  # remembered, but no more
        asked(workspace, ANALYST, query)


def test_filtering_by_a_hidden_property_is_refused(workspace: Workspace):
    with pytest.raises(Forbidden, match="orders by coupon"):
        asked(workspace, ANALYST, Query.of("orders", where={"coupon": "SECRET"}))


def test_aggregates_only_are_not_cut_by_a_property(workspace: Workspace):
    workspace.schema.tag("order_placed", "coupon", ["public"], now=AT)

    assert asked(workspace, VIEWER, Query.of("orders", by="coupon")).frame.height == 3
    assert asked(workspace, VIEWER, Query.of("revenue", by="currency")).frame.height == 2
    with pytest.raises(Forbidden, match="beyond figures by declared dimensions"):
        asked(workspace, VIEWER, Query.of("revenue", by="coupon"))


def test_what_is_told_of_a_workspace_is_of_the_rows_that_are_seen(workspace: Workspace):
    told = workspace.info(ITALY)

    assert told["currencies"] == ["USD"]
    assert told["first"] == told["last"] == "2024-01-02T00:00:00"
    whole = workspace.info(OWNER)
    assert workspace.info(ANALYST) | {"now": whole["now"]} == whole


def test_counts_of_all_records_are_not_for_who_sees_some(workspace: Workspace):
    for read in (
        lambda: workspace.ledger(ITALY),
        lambda: workspace.sources(ITALY),
        lambda: workspace.rejects("shop", ITALY),
        lambda: workspace.described(None, ITALY),
        lambda: workspace.violations(ITALY),
        lambda: workspace.rejects("shop", ANALYST),
    ):
        with pytest.raises(Forbidden):
            read()
    assert workspace.ledger(ANALYST) == workspace.ledger(OWNER)


def test_examples_are_those_of_properties_that_are_shown(workspace: Workspace):
    def examples(scope: Scope) -> dict[str, list[str]]:
        [event] = workspace.described("order_placed", scope)["events"]
        return {each["path"]: each["examples"] for each in event["properties"]}

    assert '"SECRET"' in examples(OWNER)["coupon"]
    assert not any(examples(ANALYST).values())
    workspace.schema.tag("order_placed", "coupon", ["health"], now=AT)
    assert '"SECRET"' in examples(ANALYST)["coupon"]
    assert not any(examples(VIEWER).values())


def test_a_figure_of_hidden_rows_is_not_restated(workspace: Workspace):
    query = Query.of("revenue", grain="month")
    then = asked(workspace, FRANCE, query)
    late = pl.DataFrame([order(1, "IT", "SECRET") | {"amount_minor": 5}], SCHEMA)
    with workspace._warehouse.writer() as writer, writer.commit(AT):
        writer.store("other", "a", late, received_at=AT, watermark=None)

    now = asked(workspace, FRANCE, query)

    assert now.provenance["revision"] > then.provenance["revision"]
    assert restated(query, then, now).is_empty()
    with pytest.raises(Exception, match="currencies"):  # the owner sees the other one
        asked(workspace, OWNER, query)
