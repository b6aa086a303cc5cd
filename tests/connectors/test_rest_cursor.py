"""What is asked for is what is new; where a reading ended, the next goes on."""

from __future__ import annotations

import pytest

from analyticspro.connectors import Page
from analyticspro.errors import SettingError, SourceError
from tests.connectors.reading import AT, NOW, connector, read
from tests.connectors.web import Get, Got, serving

FORMS = [
    (None, "2026-03-01T12:00:00Z", "2026-03-01T11:50:00Z"),
    (None, "2026-03-01T13:00:00.25+01:00", "2026-03-01T11:50:00.250000Z"),
    ("epoch_s", 1772366400, "1772365800"),
    ("epoch_s", 1772366400.9, "1772365800"),
    ("epoch_ms", 1772366400123, "1772365800123"),
    ("%d.%m.%Y %H:%M", "01.03.2026 12:00", "01.03.2026 11:50"),
    ("%Y-%m-%d", "2026-03-01", "2026-02-28"),
    ("number", 1000, "400"),
]


@pytest.mark.parametrize(("form", "value", "asked_since"), FORMS)
def test_the_next_sync_asks_for_what_is_new_with_a_lookback(
    form: str | None, value: object, asked_since: str
):
    cursor = {"field": "seen", "parameter": "since", "format": form, "lookback": 600}
    body = [{"id": "a", "at": AT, "seen": value}, {"id": "b", "at": AT, "seen": None}]
    pages, [first] = read(lambda get: Got(body), cursor_=cursor)
    assert "since" not in first.parameters
    _, [second] = read(lambda get: Got([]), cursor=pages[-1].cursor, cursor_=cursor)
    assert second.parameters["since"] == asked_since


def test_a_cursor_that_says_nothing_is_an_error_once_all_is_committed():
    pages: list[Page] = []
    with serving(lambda get: Got([{"id": "a", "at": AT}])) as url:
        reader = connector(url, cursor={"field": "updated", "parameter": "since"})
        with pytest.raises(SourceError, match=r"no record of stream deals has a 'updated'"):
            pages.extend(reader.read("deals", None, now=NOW))
    assert [page.batch.records for page in pages] == [1]


def test_a_list_that_begins_with_the_newest_is_read_until_what_is_known():
    rows = [{"id": n, "at": f"2026-03-{n:02}T12:00:00Z"} for n in range(20, 0, -1)]

    def answer(get: Get) -> Got:
        at = int(get.parameters.get("after", "0"))
        return Got({"rows": rows[at : at + 2], "next": at + 2 if at + 2 < len(rows) else None})

    declared = {
        "records": "rows",
        "paging": {"by": "cursor", "parameter": "after", "body": "next"},
        "cursor_": {"field": "at", "newest_first": True, "lookback": 86_400},
    }
    pages, asked = read(answer, **declared)
    assert len(asked) == 10
    _, asked = read(answer, cursor=pages[-1].cursor, **declared)
    # 20th and 19th are within a day of the newest known, 18th and 17th are not.
    assert len(asked) == 2


def test_a_place_that_is_no_longer_known_begins_the_walk_anew():
    rows = [{"id": n, "at": AT} for n in range(4)]
    known = {"a"}

    def answer(get: Get) -> Got:
        token = get.parameters.get("after")
        if token and token not in known:
            return Got({"error": "expired"}, status=410)
        return Got({"rows": rows[2:] if token else rows[:2], "next": None if token else "a"})

    declared = {"records": "rows", "paging": {"by": "cursor", "parameter": "after", "body": "next"}}
    pages, _ = read(answer, **declared)
    known.clear()
    with pytest.raises(SourceError, match="answers 410"):
        read(answer, cursor=pages[0].cursor, **declared)
    known.add("b")

    def renamed(get: Get) -> Got:
        got = answer(get)
        return Got({**got.body, "next": "b" if got.body.get("next") else None}, status=got.status)

    resumed, asked = read(renamed, cursor=pages[0].cursor, **declared)
    assert [get.parameters.get("after") for get in asked] == ["a", None, "b"]
    assert sum(page.batch.records for page in resumed) == 4


def test_a_cursor_of_another_declaration_reads_all_again():
    cursor = {"field": "at", "parameter": "since"}
    body = [{"id": "a", "at": AT}]
    pages, _ = read(lambda get: Got(body), cursor_=cursor)
    kept = pages[-1].cursor
    _, [asked] = read(lambda get: Got(body), cursor=kept, cursor_={**cursor, "lookback": 5})
    assert asked.parameters == {"since": "2026-03-01T11:59:55Z"}
    for change in ({"path": "won"}, {"parameters": {"all": 1}}):
        _, [asked] = read(lambda get: Got(body), cursor=kept, cursor_=cursor, **change)
        assert "since" not in asked.parameters


def test_a_start_is_where_the_first_sync_begins():
    cursor = {"field": "at", "parameter": "since", "start": "2026-01-01T00:00:00Z"}
    _, [asked] = read(lambda get: Got([]), cursor_=cursor)
    assert asked.parameters == {"since": "2026-01-01T00:00:00Z"}
    with pytest.raises(SettingError, match=r"cursor\.start is 'soon'"):
        read(lambda get: Got([]), cursor_={**cursor, "start": "soon"})
