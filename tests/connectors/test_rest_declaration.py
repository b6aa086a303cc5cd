"""A declaration of an API means what it says, and never holds a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from analyticspro.connectors import load, parse
from analyticspro.errors import AnalyticsProError, SettingError, UnknownName
from tests.conftest import ROOT
from tests.connectors.reading import AT, LEAST, NOW
from tests.connectors.web import Get, Got, serving

EXAMPLE = ROOT / "examples" / "rest-api" / "sources.toml"
HUSH = "sk_live_HUSH"


def declared(stream: dict[str, Any] | None = None, **source: Any) -> Any:
    table = {
        "name": "crm",
        "connector": "rest",
        "url": "https://api.example.com/v1/",
        "streams": {"deals": {**LEAST, **(stream or {})}},
        **source,
    }
    return parse(table, "sources.toml, [sources.crm]")


def test_the_least_that_can_be_said_has_defaults_for_the_rest():
    source = declared()
    deals = source.streams["deals"]
    assert (source.auth, source.rate_limit, source.allow_http) == (None, None, False)
    assert (source.timeout, source.attempts, source.largest_page_mb) == (60, 6, 32)
    assert (deals.format, deals.records, deals.paging, deals.cursor) == ("json", None, None, None)


@pytest.mark.parametrize(
    "auth",
    [
        {"bearer": HUSH},
        {"key": HUSH, "header": "X-Key"},
        {"user": "me", "password": HUSH},
        {"token_url": f"https://me:{HUSH}@example.com", "client_id": "a", "client_secret": "b"},
    ],
)
def test_a_secret_in_the_place_of_its_name_is_refused_and_not_shown(auth: dict[str, Any]):
    with pytest.raises(SettingError) as error:
        declared(auth=auth)
    assert HUSH not in str(error.value)
    assert "sources.crm" in str(error.value)


@pytest.mark.parametrize(
    "source",
    [
        {"url": f"https://me:{HUSH}@api.example.com/v1"},
        {"headers": {"X-Api-Key": HUSH}},
        {"headers": {"Authorization": f"Bearer {HUSH}"}},
    ],
)
def test_a_secret_has_no_place_outside_of_auth(source: dict[str, Any]):
    with pytest.raises(SettingError, match="auth") as error:
        declared(**source)
    assert HUSH not in str(error.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"url": "api.example.com"}, "url is no address; write one such as https://"),
        ({"url": "ftp://api.example.com"}, "url is no address"),
        ({"url": "https://api.example.com/?a=1"}, "url has parameters"),
        ({"auth": {}}, "needs one of: bearer"),
        ({"auth": {"bearer": "a", "key": "b", "header": "c"}}, "needs one of: bearer"),
        ({"rate_limit": {}}, "needs per_second or per_minute"),
        ({"rate_limit": {"per_second": 1, "per_minute": 1}}, "needs per_second or per_minute"),
        ({"streams": {}}, "streams"),
        ({"attempts": 0}, "attempts"),
    ],
)
def test_a_mistake_of_the_source_is_named(source: dict[str, Any], says: str):
    with pytest.raises(SettingError) as error:
        declared(**source)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        ({"key": []}, "key is missing"),
        ({"mode": "merge"}, "needs version"),
        ({"path": "https://evil.example.com/deals"}, "write what follows the source's url"),
        ({"path": "//evil.example.com/deals"}, "write what follows the source's url"),
        ({"path": "deals?limit=5"}, "parameters in parameters"),
        ({"format": "ndjson", "records": "data"}, "a line of ndjson is a record"),
        (
            {"format": "ndjson", "paging": {"by": "next_url", "body": "next"}},
            "needs format 'json'",
        ),
        ({"paging": {"by": "offset"}}, "by 'offset' needs parameter"),
        ({"paging": {"by": "link", "parameter": "p"}}, "by 'link' has no parameter"),
        ({"paging": {"by": "next_url"}}, "needs one of body, header"),
        ({"paging": {"by": "cursor", "parameter": "a"}}, "needs one of body, header, last_record"),
        ({"paging": {"by": "page", "parameter": "p", "size": 5}}, "size_parameter go together"),
        ({"cursor": {"field": "at"}}, "needs parameter, or newest_first"),
        (
            {"cursor": {"field": "at", "newest_first": True, "start": AT}},
            "start needs parameter",
        ),
    ],
)
def test_a_mistake_of_a_stream_is_named_with_its_place(stream: dict[str, Any], says: str):
    with pytest.raises(SettingError) as error:
        declared(stream)
    assert says in str(error.value)
    assert "streams.deals" in str(error.value)


def test_an_unknown_setting_suggests_the_nearest():
    with pytest.raises(UnknownName, match=r"'lookbak'.*Did you mean 'lookback'"):
        declared({"cursor": {"field": "at", "parameter": "since", "lookbak": 5}})
    with pytest.raises(AnalyticsProError, match="Did you mean 'rate_limit'"):
        declared(rate_limits={"per_second": 1})


class Token:
    """A place of secrets with the token of the example."""

    def get(self, source: str, name: str) -> str:
        return {"partner_platform.token": "hush"}[f"{source}.{name}"]


def partner_api(get: Get) -> Got:
    assert get.headers["authorization"] == "Bearer hush"
    if get.path == "/v1/partners":
        assert get.parameters["per_page"] == "100"
        partner = {"id": "p1", "name": "Ada", "status": "active", "updated_at": AT}
        gone = {**partner, "id": "p2", "status": "deactivated", "contract": {"value": "12.50"}}
        is_first = "page" not in get.parameters
        link = {"Link": '</v1/partners?per_page=100&page=2>; rel="next"'} if is_first else {}
        return Got(
            {"data": [{**partner, "contract": {"value": 7}}] if is_first else [gone]}, headers=link
        )
    assert get.parameters["include_failed"] == "true"
    made = {"id": 1, "created": 1772366400, "user": {"id": "u1"}, "style": {"name": "ink"}}
    return Got({"items": [made], "next_cursor": None})


def test_the_example_reads_a_real_api():
    with serving(partner_api) as url:
        [source] = load(EXAMPLE, {"PARTNERS_URL": f"{url}/v1"})
        reader = source.connect(Token())  # type: ignore[attr-defined]
        events = [
            event
            for stream in reader.streams()
            for page in reader.read(stream, None, now=NOW)
            for event in page.batch.events.to_dicts()
        ]
    assert [(e["event_id"], e["name"], e["amount_minor"]) for e in events] == [
        ("partner_platform:partners:p1", "partner_joined", 700),
        ("partner_platform:partners:p2", "partner_deactivated", 1250),
        ("partner_platform:generations:1", "image_generated", None),
    ]
    assert events[2]["properties"] == '{"style":"ink","credits":null}'


def test_reading_declarations_loads_no_http_library(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from analyticspro.connectors import load; "
        f"load(Path({str(EXAMPLE)!r}), {{'PARTNERS_URL': 'https://x.example'}}); "
        "sys.exit('httpx' in sys.modules)"
    )
    done = run([sys.executable, "-c", program], cwd=ROOT, check=False, env={"HOME": str(tmp_path)})
    assert done.returncode == 0
