"""What an API answers becomes events and rejects, and nothing is passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyticspro.connectors.rest import RestConnector
from analyticspro.connectors.rest_source import RestSource
from analyticspro.errors import SourceError, UnknownName
from analyticspro.events import WriteMode
from tests.connectors.reading import AT, LEAST, NOW, connector, read
from tests.connectors.web import Get, Got, serving


def outcome(body: Any, **stream: Any) -> tuple[list[str], list[tuple[str | None, str, str]]]:
    """Return the events' ids, and of each reject the field, the reason and the raw record."""
    pages, _ = read(lambda get: Got(body), **stream)
    events = [name for page in pages for name in page.batch.events["event_id"]]
    rejects = [reject for page in pages for reject in page.batch.rejects.to_dicts()]
    assert sum(page.batch.records for page in pages) == len(events) + len(rejects)
    assert all(reject["line"] is None for reject in rejects)
    return events, [(r["field"], r["reason"], r["raw"]) for r in rejects]


def test_every_record_is_an_event_or_a_reject_with_its_reason_and_as_it_came():
    body = b"""[
        {"id": "a", "at": "2026-03-01T12:00:00Z"},
        {"at": "2026-03-01T12:00:00Z"},
        {"id": null, "at": "2026-03-01T12:00:00Z"},
        {"id": "b"},
        {"id": "c", "at": "soon"},
        7, "text", null, [1.50], true,
        {"id": "d", "id": "e", "at": "2026-03-01T12:00:00Z"},
        {"id": "f", "at": "2026-03-01T12:00:00Z", "n": [NaN]},
        {"id": "g", "at": "2026-03-01T12:00:00Z", "n": "\\ud800"},
        {"id": "h\xff", "at": "2026-03-01T12:00:00Z"},
        {"id": "i\\u0000", "at": "2026-03-01T12:00:00Z"}
    ]"""
    events, rejects = outcome(body)
    assert events == ["crm:deals:a"]
    assert [reason for _, reason, _ in rejects] == [
        *["is not a JSON object"] * 5,
        "names 'id' more than once",
        "is not JSON: NaN is no number",
        *["holds half of a surrogate pair, or bytes that are not UTF-8"] * 2,
        *["is missing, and it is part of the key"] * 2,
        "is missing",
        "'soon' is not an ISO 8601 time",
        "holds a NUL character",
    ]
    assert [raw for _, _, raw in rejects][:5] == ["7", '"text"', "null", "[1.50]", "true"]
    assert rejects[-2] == ("at", "'soon' is not an ISO 8601 time", '{"id":"c","at":"soon"}')


def test_deep_nesting_costs_its_record_and_a_bottomless_page_its_sync():
    deep = b'{"id": "b", "at": "%s", "x": %s%s}' % (AT.encode(), b"[" * 120, b"]" * 120)
    flat = b'{"id": "a", "at": "%s"}' % AT.encode()
    events, rejects = outcome(b"[%s, %s]" % (flat, deep))
    assert events == ["crm:deals:a"]
    assert [reason for _, reason, _ in rejects] == ["is nested deeper than 100"]
    with pytest.raises(SourceError, match=r"answers is nested too deep \(3 times\)"):
        outcome(b"[" * 1_000_000)


def test_numbers_keep_their_digits_and_nested_fields_are_named_with_dots():
    body = b'{"data": {"rows": [{"id": 12345678901234567890, "sum": {"v": 0.10}, "at": "%s"}]}}'
    pages, _ = read(
        lambda get: Got(body % AT.encode()),
        records="data.rows",
        amount="sum.v",
        currency="EUR",
        properties={"sum": "sum"},
    )
    [event] = pages[0].batch.events.to_dicts()
    assert event["event_id"] == "crm:deals:12345678901234567890"
    assert event["amount_minor"] == 10
    assert json.loads(event["properties"]) == {"sum": '{"v":0.10}'}
    assert event["raw"] == f'{{"id":12345678901234567890,"sum":{{"v":0.10}},"at":"{AT}"}}'


def test_lines_are_records():
    body = f'{{"id": "a", "at": "{AT}"}}\n\n{{"id"\n[]\n{{"id": "b", "at": "{AT}"}}'.encode()
    events, rejects = outcome(body, format="ndjson")
    assert events == ["crm:deals:a", "crm:deals:b"]
    assert [(reason.partition(":")[0], raw) for _, reason, raw in rejects] == [
        ("is not JSON", '{"id"'),
        ("is not a JSON object", "[]"),
    ]


def test_lines_that_end_in_the_middle_of_one_were_cut():
    with pytest.raises(SourceError, match="ends in the middle of a line"):
        outcome(f'{{"id": "a", "at": "{AT}"}}\n{{"id": "b'.encode(), format="ndjson")


@pytest.mark.parametrize(
    ("body", "records", "says"),
    [
        ({"deals": [], "meta": {}}, None, "is not the list. The document has: deals, meta"),
        ({"deals": []}, "data", "does not hold the list in 'data'. The document has: deals"),
        ({"data": {"id": "a"}}, "data", "does not hold the list in 'data'"),
        ([], "data", "The document is no object"),
        ("customer 4711", None, "The document is no object"),
    ],
)
def test_a_document_without_the_list_says_what_it_has(body: Any, records: str | None, says: str):
    with pytest.raises(SourceError) as error:
        outcome(body, records=records)
    assert says in str(error.value)
    assert "4711" not in str(error.value)


@pytest.mark.parametrize("body", [b'{"data": null}', b'{"data": []}', b'\xef\xbb\xbf{"data":[]}'])
def test_a_list_of_nothing_is_empty(body: bytes):
    assert outcome(body, records="data") == ([], [])


def test_no_content_is_an_empty_list():
    pages, asked = read(lambda get: Got(b"", status=204))
    assert ([page.batch.records for page in pages], len(asked)) == ([0], 1)


def test_a_page_of_a_web_site_is_told_from_an_api():
    page = Got(b"<html>Please log in, customer 4711", headers={"Content-Type": "text/html"})
    with pytest.raises(SourceError, match=r"is no JSON .* and says it is text/html") as error:
        read(lambda get: page)
    assert "4711" not in str(error.value)


def test_a_huge_page_is_handed_on_in_pieces_and_the_cursor_moves_with_the_last():
    body = [{"id": n, "at": AT} for n in range(120_000)]
    pages, _ = read(lambda get: Got(body))
    assert [page.batch.records for page in pages] == [50_000, 50_000, 20_000]
    before, first, last = (json.loads(page.cursor)["progress"] for page in pages)
    assert before == first == last  # without a declared cursor there is nothing to move to


def test_a_page_that_is_too_large_is_refused_and_says_what_to_do():
    body = [{"id": n, "at": AT} for n in range(50_000)]
    with (
        serving(lambda get: Got(body)) as url,
        pytest.raises(
            SourceError, match=r"more than 1 MB\. Ask for smaller pages .* largest_page_mb"
        ),
    ):
        list(connector(url, source={"largest_page_mb": 1}).read("deals", None, now=NOW))


def test_what_is_asked_for_is_what_is_declared():
    _, [asked] = read(
        lambda get: Got([]),
        parameters={"limit": 5, "open": True, "q": "a&b"},
        source={"headers": {"X-Tenant": "7"}},
    )
    assert asked.path == "/deals"
    assert asked.parameters == {"limit": "5", "open": "true", "q": "a&b"}
    assert asked.headers["x-tenant"] == "7"


def test_no_key_in_an_address_is_kept():
    def answer(get: Get) -> Got:
        assert get.parameters["api_key"] == "hush"
        page = int(get.parameters.get("p", "1"))
        following = f"/deals?api_key=hush&p={page + 1}"
        rows = [{"id": page, "at": AT}]
        return Got({"rows": rows, "next": following if page < 3 else None})

    class Hush:
        def get(self, source: str, name: str) -> str:
            return "hush"

    table = {**LEAST, "records": "rows", "paging": {"by": "next_url", "body": "next"}}
    with serving(answer) as url:
        source = RestSource.model_validate(
            {
                "name": "crm",
                "url": url,
                "auth": {"key": "k", "parameter": "api_key"},
                "streams": {"deals": table},
            }
        )
        pages = list(RestConnector(source, Hush()).read("deals", None, now=NOW))
    assert len(pages) == 3
    assert not any("hush" in page.cursor for page in pages)
    assert "p=2" in pages[0].cursor


def test_streams_tell_their_write_modes_and_an_unknown_one_is_named():
    crm = connector("http://127.0.0.1:1", version="at")
    assert crm.streams() == {"deals": WriteMode.MERGE}
    assert (crm.name, connector("http://127.0.0.1:1").streams()) == (
        "crm",
        {"deals": WriteMode.APPEND},
    )
    with pytest.raises(UnknownName, match=r"No stream 'deal' in crm\. Did you mean 'deals'"):
        next(crm.read("deal", None, now=NOW))
