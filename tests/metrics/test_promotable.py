"""Which properties may become dimensions, what these are called, and what they can cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.config import Home
from analyticspro.errors import AnalyticsProError, DefinitionError, UnknownName
from analyticspro.events import SCHEMA
from analyticspro.ingest import load_events
from analyticspro.metrics import Answer, Query
from analyticspro.metrics.promotable import Promotable, Promoted
from analyticspro.policy import OWNER
from analyticspro.warehouse import PERSONAL, Warehouse
from analyticspro.workspace import Workspace

AT = datetime(2024, 1, 1, tzinfo=UTC)
PLACED, REFUNDED, VIEWED = "order_placed", "order_refunded", "page_viewed"
EVENTS: list[tuple[str, dict[str, Any]]] = [
    (PLACED, {"coupon": "X1", "context": {"app": {"version": 5}}, "order_id": "A"}),
    (PLACED, {"coupon": "X2", "context": {"app": {"version": "5"}}, "order_id": "B"}),
    (REFUNDED, {"coupon": "X1", "context": {"app": {"version": 5.0}}}),
    (VIEWED, {"UTM-Source": "mail", "context": {"app": {"version": None}}, "a*b": 1, "day": 1}),
]


def frame(events: list[tuple[str, dict[str, Any]]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "event_id": str(number),
                "name": name,
                "occurred_at": AT + timedelta(days=number),
                "user_id": f"u{number}",
                "amount_minor": 100 * (number + 1),
                "currency": "GBP",
                "properties": json.dumps(properties),
            }
            for number, (name, properties) in enumerate(events)
        ],
        schema=SCHEMA,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with these events."""
    home = Home(tmp_path / "home").prepare()
    warehouse = Warehouse.open(home.warehouse_file, backups=tmp_path / "backups")
    load_events("shop", frame(EVENTS), warehouse, progress=lambda _: None)
    warehouse.close()
    with Workspace.open(home) as opened:
        yield opened


def promote(workspace: Workspace, event: str, path: str, name: str | None = None) -> Promoted:
    steps: list[int] = []
    found = workspace.dimensions.promote(
        event, path, name, now=AT, progress=lambda done, total: steps.append(done)
    )
    assert steps
    return found


def answer(workspace: Workspace, *metrics: str, **words: Any) -> Answer | AnalyticsProError:
    [found] = workspace.answers([Query.of(*metrics, **words)], OWNER)
    return found


def rows(workspace: Workspace, *metrics: str, **words: Any) -> list[tuple[Any, ...]]:
    found = answer(workspace, *metrics, **words)
    assert isinstance(found, Answer), found
    return found.frame.rows()


def refusal(workspace: Workspace, *metrics: str, **words: Any) -> str:
    found = answer(workspace, *metrics, **words)
    assert isinstance(found, DefinitionError)
    return str(found)


def notes(workspace: Workspace, *metrics: str, **words: Any) -> str:
    found = answer(workspace, *metrics, **words)
    assert isinstance(found, Answer)
    return " ".join(found.provenance["notes"])


@pytest.mark.parametrize(
    ("event", "path", "name", "called"),
    [
        (PLACED, "coupon", None, "coupon"),
        (PLACED, "coupon", "voucher", "voucher"),
        (VIEWED, "UTM-Source", None, "utm_source"),
        ("*", "context.app.version", None, "version"),
    ],
)
def test_a_dimension_is_called_as_the_property_unless_said(
    event: str, path: str, name: str | None, called: str, workspace: Workspace
):
    assert promote(workspace, event, path, name) == Promoted(called, event, path)
    assert called in [each["name"] for each in workspace.catalogue(OWNER)["dimensions"]]
    assert workspace.values(called, OWNER)


@pytest.mark.parametrize(
    ("event", "path", "name", "told"),
    [
        ("order_place", "coupon", None, "No event 'order_place'. Did you mean 'order_placed'?"),
        (PLACED, "cupon", None, "No property 'cupon' in order_placed. Did you mean 'coupon'?"),
        ("*", "cupon", None, "No property 'cupon' in any event. Did you mean 'coupon'?"),
        (PLACED, "context", None, "order_placed.context is an object. Promote one of the"),
        (VIEWED, "a*b", None, "a key of it is empty or holds one of"),
        (VIEWED, "day", None, "day is a word of every query already. Give another name: --as"),
        (PLACED, "coupon", "country", "country is a dimension already"),
        (PLACED, "coupon", "events_change", "events_change is a word of every query already"),
        (PLACED, "coupon", "Coupon", "'Coupon' cannot name a dimension"),
        (PLACED, "coupon", 'a" FROM hot --', "cannot name a dimension"),
    ],
)
def test_what_cannot_be_promoted_is_told_why(
    event: str, path: str, name: str | None, told: str, workspace: Workspace
):
    with pytest.raises(DefinitionError) as refused:
        promote(workspace, event, path, name)
    assert told in str(refused.value)
    assert workspace.schema.described()["promoted"] == []


def test_what_is_promoted_already_is_told_by_its_name(workspace: Workspace):
    promote(workspace, PLACED, "coupon")
    promote(workspace, PLACED, "coupon")  # the same again only waits
    with pytest.raises(DefinitionError, match="promoted already, as coupon"):
        promote(workspace, PLACED, "coupon", "voucher")
    with pytest.raises(DefinitionError, match="coupon is a dimension already"):
        promote(workspace, REFUNDED, "coupon")


def test_what_is_personal_is_not_shown(workspace: Workspace):
    workspace.schema.tag("*", "coupon", [PERSONAL], now=AT)
    with pytest.raises(DefinitionError, match=r"tagged personal.* untag \*.coupon personal"):
        promote(workspace, PLACED, "coupon")
    workspace.schema.untag("*", "coupon", [PERSONAL])
    promote(workspace, PLACED, "coupon")
    for event in (PLACED, "*"):
        with pytest.raises(DefinitionError, match="First: analyticspro schema demote coupon"):
            workspace.schema.tag(event, "coupon", [PERSONAL], now=AT)
    workspace.schema.tag(REFUNDED, "coupon", [PERSONAL], now=AT)


def test_only_metrics_whose_events_have_it_are_cut_by_it(workspace: Workspace):
    promote(workspace, PLACED, "coupon")
    assert rows(workspace, "orders", by="coupon") == [("X1", 1), ("X2", 1)]
    assert rows(workspace, "orders", "events", where={"coupon": "X2"}) == [(1, 1)]
    assert refusal(workspace, "page_views", by="coupon").startswith(
        "page_views cannot be cut by 'coupon', a property of order_placed. It can by: "
    )
    # Refunds without it over orders with it would be no rate.
    assert "refund_rate cannot be cut" in refusal(workspace, "refund_rate", by="coupon")
    assert "sessions cannot be cut" in refusal(workspace, "sessions", by="coupon")
    listed = {m["name"]: m["dimensions"] for m in workspace.catalogue(OWNER)["metrics"]}
    taking = {name for name, dimensions in listed.items() if "coupon" in dimensions}
    assert {"orders", "revenue", "events", "active_users", "revenue_to_date"} < taking
    assert not taking & {"page_views", "refund_rate", "sessions", "requests"}
    assert "Did you mean 'coupon'?" in refusal(workspace, "orders", by="cupon")
    assert "No coupon 'X'. Did you mean 'X" in refusal(workspace, "orders", where={"coupon": "X"})


def test_the_answer_says_which_events_have_none_of_it(workspace: Workspace):
    promote(workspace, PLACED, "coupon")
    assert rows(workspace, "revenue", by="coupon")[-1][0] is None
    told = "coupon is a property of order_placed only; of what is counted here, order_cancelled, "
    assert told + "order_refunded have none." in notes(workspace, "revenue", by="coupon")
    assert notes(workspace, "orders", by="coupon") == ""


def test_both_readings_of_a_property_whose_type_changed_are_kept(workspace: Workspace):
    promote(workspace, "*", "context.app.version", "app")
    assert rows(workspace, "events", by="app") == [("5", 2), ("5.0", 1), (None, 1)]
    assert notes(workspace, "events", by="app").startswith(
        "Values of app came as integer, number and text: each counts as it is written"
    )


def test_every_kind_of_metric_can_be_cut_by_it(workspace: Workspace):
    promote(workspace, "*", "coupon")
    metrics = ["orders", "revenue", "revenue_to_date", "weekly_active_users"]
    found = rows(workspace, *metrics, by="coupon", grain="month", compare=True)
    assert [row[:2] for row in found] == [(AT.date(), each) for each in ("X1", "X2", None)]
    assert [row[2] for row in found] == [1, 1, 0]


def test_answers_are_not_remembered_beyond_what_is_promoted(workspace: Workspace):
    promote(workspace, PLACED, "coupon", "what")
    assert rows(workspace, "events", by="what") == [("X1", 1), ("X2", 1), (None, 2)]
    workspace.dimensions.demote("what", now=AT)
    assert "No dimension 'what'" in refusal(workspace, "events", by="what")
    promote(workspace, VIEWED, "UTM-Source", "what")
    assert rows(workspace, "events", by="what") == [("mail", 1), (None, 3)]
    with pytest.raises(UnknownName, match="No promoted dimension 'whatt'"):
        workspace.dimensions.demote("whatt", now=AT)


def test_whoever_opens_it_next_goes_on_filling(workspace: Workspace, tmp_path: Path):
    warehouse = Warehouse.open(tmp_path / "w.duckdb", backups=tmp_path)
    load_events("shop", frame(EVENTS), warehouse, progress=lambda _: None)
    warehouse.promoting.promote("coupon", None, "coupon", at=AT)
    warehouse.close()
    warehouse = Warehouse.open(tmp_path / "w.duckdb", backups=tmp_path)
    Promotable(warehouse).start()
    warehouse.promoting.wait("coupon", lambda done, total: None)
    [state] = warehouse.promoting.state()
    assert state.is_filled
    warehouse.close()


def test_the_schema_shows_what_is_promoted(workspace: Workspace):
    promote(workspace, "*", "coupon")
    found = workspace.schema.described(PLACED)
    assert found["promoted"] == [
        {"dimension": "coupon", "event": "*", "property": "coupon", "filled": 1.0}
    ]
    [event] = found["events"]
    assert {each["path"]: each["dimensions"] for each in event["properties"]}["coupon"] == [
        "coupon"
    ]
