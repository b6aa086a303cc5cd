"""What the logs connector makes of lines: requests, JSON, and what is neither."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import load
from analyticspro.connectors.logs_lines import LONGEST_LINE
from analyticspro.connectors.logs_privacy import redacted
from analyticspro.errors import SettingError
from analyticspro.events import WriteMode
from tests.connectors.log_lines import JSON_LOG, LINE, ROOT, declared, read
from tests.local import NoSecrets

# Requests


def test_a_line_of_a_web_server_is_a_request(tmp_path: Path):
    found = read(tmp_path, LINE + "\n")
    [event] = found.events
    assert event["name"] == "request_served"
    assert event["occurred_at"] == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert event["user_id"] == "ann"
    assert found.properties == [
        {
            "method": "GET",
            "path": "/shop/cup",
            "status": 200,
            "bytes_sent": 512,
            "referrer": "https://example.com/a",
            "agent": "Mozilla/5.0 (X11)",
        }
    ]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("101", "request_served"),
        ("200", "request_served"),
        ("304", "request_served"),
        ("404", "request_refused"),
        ("499", "request_refused"),
        ("500", "request_failed"),
        ("599", "request_failed"),
    ],
)
def test_the_status_names_the_event(tmp_path: Path, status: str, name: str):
    [event] = read(tmp_path, LINE.replace(" 200 ", f" {status} ") + "\n").events
    assert event["name"] == name


def test_a_common_log_has_neither_referrer_nor_agent(tmp_path: Path):
    line = '::1 - - [01/Jan/2026:00:00:00 -0230] "HEAD / HTTP/2.0" 204 -\n'
    found = read(tmp_path, line, format="common")
    assert found.events[0]["user_id"] is None
    assert found.properties == [{"method": "HEAD", "path": "/", "status": 204, "bytes_sent": 0}]


@pytest.mark.parametrize(
    ("unit", "written", "microseconds"),
    [
        ("s", "0.123", 123_000),
        ("s", "2", 2_000_000),
        ("ms", "17", 17_000),
        ("us", "950", 950),
        ("s", "-", None),
    ],
)
def test_the_response_time_is_read_in_its_unit(
    tmp_path: Path, unit: str, written: str, microseconds: int | None
):
    found = read(tmp_path, f"{LINE} {written}\n", response_time=unit)
    assert [p["response_us"] for p in found.properties] == [microseconds]


@pytest.mark.parametrize(
    ("asked", "method", "path"),
    [
        ("GET http://example.com/as/a/proxy HTTP/1.1", "GET", "/as/a/proxy"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "*"),
        (r"GET /quo\"ted HTTP/1.1", "GET", r"/quo\"ted"),
        ("GET /with a blank HTTP/1.0", "GET", "/with a blank"),
        ("-", None, None),
        (r"\x16\x03\x01\x02", None, None),
        ("", None, None),
    ],
)
def test_what_was_asked_counts_even_if_it_was_no_request(
    tmp_path: Path, asked: str, method: str | None, path: str | None
):
    line = f'192.0.2.1 - - [31/Jan/2026:10:00:00 +0000] "{asked}" 400 0 "-" "-"\n'
    [properties] = read(tmp_path, line).properties
    assert (properties["method"], properties["path"]) == (method, path)


# What does not parse


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("nonsense", "no client at character 1"),
        (LINE[:60], "no request in quotes at character 38"),
        (LINE.replace("31/Jan/2026:10:00:00 +0100", "soon"), "is not a time written as"),
        (LINE.replace("31/Jan", "31/Feb"), "is not a time written as"),
        (LINE.replace(" 200 ", " OK "), "no status of three digits at character"),
        (LINE.replace(" 512 ", " many "), "no number of bytes at character"),
        (LINE[:-1], "no agent in quotes at character"),
        (LINE + " 0.5", "goes on after its end at character"),
        (LINE.replace("cup", "c\0p"), "holds a NUL character"),
        pytest.param("x" * (LONGEST_LINE + 1), "is longer than 1,000,000 bytes", id="too long"),
    ],
)
def test_a_line_that_does_not_parse_is_set_aside_with_its_place(
    tmp_path: Path, broken: str, reason: str
):
    found = read(tmp_path, f"{LINE}\n{broken}\n\n{LINE}\n")
    [reject] = found.rejects
    assert (len(found.events), found.records) == (2, 3)
    assert reason in reject["reason"]
    assert f"(at byte {len(LINE) + 1} of file " in reject["reason"]
    assert reject["line"] is None


def test_bytes_that_are_no_utf8_cost_nothing(tmp_path: Path):
    found = read(tmp_path, LINE.replace("X11", "Zo\xeb").encode("latin-1") + b"\r\n")
    assert [p["agent"] for p in found.properties] == [r"Mozilla/5.0 (Zo\xeb)"]


def test_the_nuls_of_a_log_emptied_under_its_writer_are_passed_over(tmp_path: Path):
    assert len(read(tmp_path, b"\0" * 500 + LINE.encode() + b"\n").events) == 1


def test_equal_lines_are_separate_requests(tmp_path: Path):
    events = read(tmp_path, f"{LINE}\n{LINE}\n").events
    assert len({event["event_id"] for event in events}) == 2


# What is not kept


def test_values_of_query_strings_are_not_stored_anywhere(tmp_path: Path):
    torn = LINE[:-9]
    found = read(tmp_path, f"{LINE}\n{torn}\n")
    stored = repr(found)
    assert len(found.events) == len(found.rejects) == 1
    assert "s3cret" not in stored
    assert "192.0.2" not in stored
    assert "token=*" in stored


def test_declared_parameters_are_kept(tmp_path: Path):
    found = read(tmp_path, LINE + "\n", keep_query=["page", "id"])
    [properties] = found.properties
    assert properties["query"] == "page=2"
    assert "page=2&token=*" in found.events[0]["raw"]
    assert "a?id=7" in found.events[0]["raw"]


@pytest.mark.parametrize(
    ("client", "address", "kept"),
    [
        ("whole", "192.0.2.17", "192.0.2.17"),
        ("network", "192.0.2.17", "192.0.2.0"),
        ("network", "2001:db8:1:2::3", "2001:db8:1::"),
        ("network", "host.example.com", None),
    ],
)
def test_the_client_is_kept_as_far_as_declared(
    tmp_path: Path, client: str, address: str, kept: str | None
):
    found = read(tmp_path, LINE.replace("192.0.2.17", address) + "\n", client=client)
    assert [p["client"] for p in found.properties] == [kept]
    assert (address in found.events[0]["raw"]) == (kept == address)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('"GET /a?x HTTP/1.1"', '"GET /a?* HTTP/1.1"'),
        ('"GET /a?x=1;token=2&y= HTTP/1.1"', '"GET /a?x=*&y= HTTP/1.1"'),
        ('"https://ann:pw@example.com/a#token=9"', '"https://example.com/a"'),
        (r'"GET /a?q=\"b\" HTTP/1.1"', '"GET /a?q=* HTTP/1.1"'),
        ('"GET /a?p=1?token=2#f HTTP/1.1"', '"GET /a?p=* HTTP/1.1"'),
        ("200 5", "200 5"),
    ],
)
def test_what_may_be_a_secret_is_taken_out(text: str, left: str):
    assert redacted(text, client="drop") == left


# The declaration


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"event": "seen"}, "event says nothing about a log of format 'combined'"),
        ({"format": "ndjson", "event": "logged"}, "occurred_at is missing"),
        ({**JSON_LOG, "response_time": "s"}, "response_time says nothing about a log of format"),
        ({"format": "iis"}, "format is 'iis'"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(
    tmp_path: Path, more: dict[str, Any], problem: str
):
    with pytest.raises(SettingError) as caught:
        declared(tmp_path / "access.log", **more)
    assert problem in str(caught.value)


def test_the_stream_appends(tmp_path: Path):
    connector = declared(tmp_path / "access.log").connect(NoSecrets())
    assert connector.streams() == {"lines": WriteMode.APPEND}


@pytest.mark.parametrize(
    ("section", "declared_there"),
    [
        ("Files in an object store", ["exports"]),
        ("Logs", ["web", "app"]),
        ("Uptime checks", ["pulse"]),
        ("Exchange rates", ["ecb", "bank"]),
    ],
)
def test_what_is_documented_can_be_declared(
    section: str, declared_there: list[str], tmp_path: Path
):
    text = (ROOT / "docs" / "sources.md").read_text().partition(f"## {section}\n")[2]
    blocks = text.partition("\n## ")[0].split("```toml\n")[1:]
    file = tmp_path / "sources.toml"
    file.write_text("".join(block.partition("```")[0] for block in blocks))
    assert [source.name for source in load(file, {})] == declared_there
