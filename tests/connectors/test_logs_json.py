"""Logs of JSON, and lines that were set aside and mapped anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyticspro.connectors.batch import REJECTS
from analyticspro.connectors.logs import STREAM
from tests.connectors.log_lines import JSON_LOG, LINE, declared, read

# JSON


def test_a_log_of_json_is_read_by_its_mapping(tmp_path: Path):
    lines = [
        {"at": "2026-01-31T10:00:00Z", "level": "info", "user": {"id": 7}, "message": "started"},
        {"at": "2026-01-31T10:00:01Z", "level": "warn", "message": "login failed"},
    ]
    found = read(
        tmp_path,
        "".join(json.dumps(line) + "\n" for line in lines),
        **JSON_LOG,
        user_id="user.id",
        event_rules=[{"column": "message", "equals": "login failed", "name": "login_failed"}],
        properties={"level": "level"},
    )
    assert [event["name"] for event in found.events] == ["logged", "login_failed"]
    assert [event["user_id"] for event in found.events] == ["7", None]
    assert found.properties == [{"level": "info"}, {"level": "warn"}]
    assert [json.loads(event["raw"]) for event in found.events] == lines


def test_a_key_identifies_a_line_of_json(tmp_path: Path):
    line = '{"at": "2026-01-31T10:00:00Z", "id": "a1"}\n'
    events = read(tmp_path, line, **JSON_LOG, key=["id"]).events
    assert [event["event_id"] for event in events] == ["web:lines:a1"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"at": "soon"}', "is not an ISO 8601 time"),
        (b"{}", "is missing"),
        (b'{"at": "\xff"}', "holds bytes that are not of the declared encoding"),
    ],
)
def test_what_is_no_such_object_is_set_aside(tmp_path: Path, broken: bytes, reason: str):
    good = b'{"at": "2026-01-31T10:00:00Z"}\n'
    found = read(tmp_path, good + b"\n" + broken + b"\n" + good, **JSON_LOG)
    assert (len(found.events), found.records) == (2, 3)
    [reject] = found.rejects
    assert reason in reject["reason"]
    assert f"(at byte {len(good) + 1} of file " in reject["reason"]


# What was set aside, mapped anew


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"format": "common"}, {"client": "whole"}),
        ({"response_time": "s", "client": "whole", "keep_query": ["page"]}, {}),
    ],
)
def test_a_line_that_is_good_after_all_is_known_as_if_it_had_been_read_so(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
):
    content = f"{LINE}\n{LINE[:60]}\n{LINE}\n"
    rejects = pl.DataFrame(read(tmp_path, content, **before).rejects, schema=REJECTS)
    assert rejects.height == 3
    batch = declared(tmp_path / "access.log", **after).remap(STREAM, rejects)
    again = read(tmp_path, content, **after)
    assert batch.events["event_id"].to_list() == [event["event_id"] for event in again.events]
    assert batch.events["properties"][0].count('"status":200') == 1
    [wrong], [still_wrong] = batch.rejects["reason"], again.rejects
    assert wrong.rpartition(" (")[2] == still_wrong["reason"].rpartition(" (")[2]
    assert "no request in quotes" in wrong
    assert batch.records == 3


def test_a_line_of_json_that_is_good_after_all_is_known_too(tmp_path: Path):
    content = '{"at": "31.01.2026"}\n {"at": "01.02.2026"} \r\n'
    rejects = pl.DataFrame(read(tmp_path, content, **JSON_LOG).rejects, schema=REJECTS)
    mended = {**JSON_LOG, "occurred_at": {"column": "at", "format": "%d.%m.%Y"}}
    batch = declared(tmp_path / "access.log", **mended).remap(STREAM, rejects)
    again = read(tmp_path, content, **mended)
    assert batch.events["event_id"].to_list() == [event["event_id"] for event in again.events]
    assert (batch.events.height, batch.rejects.height) == (2, 0)


def test_what_tells_of_lost_lines_stays_set_aside(tmp_path: Path):
    lost = {"line": None, "field": None, "value": None, "reason": "was emptied", "raw": "x"}
    rejects = pl.DataFrame([lost], schema=REJECTS)
    batch = declared(tmp_path / "access.log").remap(STREAM, rejects)
    assert (batch.events.height, batch.rejects.to_dicts()) == (0, [lost])
