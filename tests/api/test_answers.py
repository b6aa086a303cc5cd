"""One question, one answer, whether in JSON, in Arrow or among others."""

from __future__ import annotations

import base64
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from analyticspro.metrics import catalog
from tests.api.server import Server

ARROW = "application/vnd.apache.arrow.stream"
QUESTIONS: list[dict[str, Any]] = [
    {"metrics": ["revenue"]},
    {"metrics": ["revenue", "orders"], "grain": "month", "by": ["country"], "compare": True},
    {"metrics": ["average_order_value", "refund_rate"], "grain": "hour"},
    {"metrics": ["customers_to_date"], "grain": "week", "period": "2024-Q1"},
    {"metrics": ["orders"], "where": [{"dimension": "country", "values": ["France", "Spain"]}]},
    {
        "metrics": ["revenue"],
        "by": ["currency", "plan"],
        "where": [{"dimension": "country", "values": ["France"], "exclude": True}],
    },
]


def plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def as_rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: ", ".join(question["metrics"]))
def test_json_and_arrow_agree(question: dict[str, Any], server: Server):
    as_json = server.call("POST", "/v1/query", question)
    as_arrow = server.call("POST", "/v1/query", question, headers={"Accept": ARROW})
    assert as_json.status == as_arrow.status == 200
    assert as_json.json.keys() == {"rows", "provenance"}
    assert as_arrow.headers["content-type"] == ARROW
    assert as_rows(pl.read_ipc_stream(io.BytesIO(as_arrow.body))) == as_json.json["rows"]
    said = json.loads(as_arrow.headers["analyticspro-provenance"])
    # What was asked before is remembered, and says so.
    provenance = as_json.json["provenance"] | {"cached": True}
    left_out = said.pop("left_out", [])
    assert said == {name: v for name, v in provenance.items() if name not in left_out}
    assert provenance["rows_read"] > 0

    [among] = server.call("POST", "/v1/queries", {"queries": [question]}).json["answers"]
    frame = pl.read_ipc_stream(io.BytesIO(base64.b64decode(among["arrow"])))
    assert as_rows(frame) == as_json.json["rows"]
    assert among["provenance"] == provenance


def test_any_arrow_reader_can_read_it(server: Server):
    """Not only Polars: plain types, no string views."""
    question = {"metrics": ["revenue"], "by": ["country"]}
    reply = server.call("POST", "/v1/query", question, headers={"Accept": ARROW})
    with pa.ipc.open_stream(reply.body) as reader:
        table = reader.read_all()
    assert table.schema.field("country").type in (pa.string(), pa.large_string())
    assert pa.types.is_decimal(table.schema.field("revenue").type)


def test_a_long_provenance_is_cut_to_what_fits_into_a_header(server: Server):
    """Of as many metrics as may be asked, cut and compared; some proxies refuse above 8 KiB."""
    cuttable = [name for name, metric in catalog.METRICS.items() if "plan" in metric.dimensions]
    cuttable.sort(key=lambda name: -len(catalog.METRICS[name].meaning))
    question = {"metrics": cuttable[:50], "grain": "month", "by": ["plan"], "compare": True}
    reply = server.call("POST", "/v1/query", question, headers={"Accept": ARROW})
    assert reply.status == 200
    assert len(reply.headers["analyticspro-provenance"]) < 8_000
    said = json.loads(reply.headers["analyticspro-provenance"])
    whole = server.call("POST", "/v1/query", question).json["provenance"]
    assert whole.keys() == said.keys() - {"left_out"} | {*said["left_out"]}
    assert {"sql", "metrics"} <= {*said["left_out"]}
    assert said["watermarks"] == whole["watermarks"]


def test_several_questions_are_answered_each_for_itself(server: Server):
    questions = [{"metrics": ["orders"]}, {"metrics": ["ordesr"]}, {"metrics": ["units"]}]
    first, wrong, last = server.call("POST", "/v1/queries", {"queries": questions}).json["answers"]
    assert wrong["error"] == {
        "code": "unknown_name",
        "message": "No metric 'ordesr'. Did you mean 'orders'?",
    }
    assert first["provenance"]["revision"] == last["provenance"]["revision"]


def test_the_catalogue_lists_what_can_be_asked(server: Server):
    listed = server.call("GET", "/v1/metrics").json
    assert [metric["name"] for metric in listed["metrics"]] == list(catalog.METRICS)
    assert [item["name"] for item in listed["dimensions"]] == list(catalog.DIMENSIONS)
    kinds = {metric["name"]: metric["kind"] for metric in listed["metrics"]}
    assert kinds["revenue"] == "simple"
    assert kinds["invoices"] == "derived"
    assert kinds["cancellation_rate"] == "ratio"
    assert kinds["revenue_to_date"] == "cumulative"


def test_the_workspace_tells_of_itself(server: Server):
    told = server.call("GET", "/v1/workspace").json
    assert told.pop("now") > "2024"
    assert told.pop("revision") > 0
    assert told == {
        "name": "Corner shop",
        "demo": False,
        "timezone": "Europe/London",
        "week_start": "monday",
        "currency": "GBP",
        "currencies": ["GBP"],
        "first": "2023-11-05T10:00:00",
        "last": "2024-04-01T01:00:00",
    }


def test_values_of_a_dimension(server: Server):
    values = server.call("GET", "/v1/dimensions/country/values").json["values"]
    assert values[0] == "France"
    assert set(values) == {"France", "Spain", "Germany", "Italy"}
    assert server.call("GET", "/v1/dimensions/contry/values").status == 422
    assert server.call("GET", "/v1/dimensions/%F0%9F%90%98/values").status == 422


def test_rejects_of_a_source_that_is_not_there(server: Server):
    reply = server.call("GET", "/v1/sources/shap/rejects")
    assert reply.status == 422
    assert reply.json["error"]["message"] == "No source 'shap'. Did you mean 'shop'?"
    assert server.call("GET", "/v1/sources/shop/rejects").json == {"rejects": []}
