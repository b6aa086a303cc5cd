"""Stripe's own samples, in Stripe's own form of a list, through the generic connector."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analyticspro.connectors import Page
from tests.connectors.reading import read
from tests.connectors.web import Get, Got

DATA = Path(__file__).parents[3] / "shared" / "data"
SAMPLES = Path(os.environ.get("ANALYTICSPRO_TEST_DATA", DATA)) / "api-samples" / "stripe"
STREAM: dict[str, Any] = {
    "path": "v1/resources",
    "records": "data",
    "paging": {
        "by": "cursor",
        "parameter": "starting_after",
        "last_record": "id",
        "more": "has_more",
        "size": 10,
        "size_parameter": "limit",
    },
    "cursor_": {"field": "created", "parameter": "created[gte]", "format": "epoch_s"},
    "key": ["object", "id"],
    "event": "resource_changed",
    "occurred_at": {"column": "created", "format": "epoch_s"},
}


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    """The samples, newest first, as Stripe lists; those without a time at the end."""
    file = SAMPLES / "fixtures3.json"
    if not file.is_file():
        pytest.skip(f"not tested: Stripe's samples, since {file} is not there")
    found: Mapping[str, dict[str, Any]] = json.loads(file.read_text())["resources"]
    return sorted(found.values(), key=lambda row: -(row.get("created") or 0))


def listing(resources: list[dict[str, Any]], get: Get) -> Got:
    """Answer as Stripe does: `starting_after` the id that the page before ended with.

    The samples are of many kinds, and some have no id or share one, so a page goes on to one
    whose id says where it ended.
    """
    ids = [row.get("id") for row in resources]
    after = get.parameters.get("starting_after")
    start = 0 if after is None else len(ids) - ids[::-1].index(after)
    end = min(len(ids), start + int(get.parameters["limit"]))
    while end < len(ids) and (ids[end - 1] is None or ids[end - 1] in ids[end:]):
        end += 1
    return Got(
        {
            "object": "list",
            "url": "/v1/resources",
            "has_more": end < len(ids),
            "data": resources[start:end],
        }
    )


def test_every_sample_is_an_event_or_a_reject_with_its_reason(resources: list[dict[str, Any]]):
    assert len(resources) == 176
    pages, asked = read(lambda get: listing(resources, get), **STREAM)
    assert len(asked) > 10
    events, rejects = rows(pages, "events"), rows(pages, "rejects")
    good = [row for row in resources if row.get("id") and isinstance(row.get("created"), int)]
    assert len(good) == 95
    assert len(events) == 95
    assert len(rejects) == 176 - 95
    assert sorted_texts(json.loads(e["raw"]) for e in events) == sorted_texts(good)
    bad = [row for row in resources if row not in good]
    assert sorted_texts(json.loads(r["raw"]) for r in rejects) == sorted_texts(bad)
    for reject in rejects:
        row = json.loads(reject["raw"])
        missing = "created" if row.get("id") else "id"
        assert reject["field"] == missing
        assert not row.get(missing)
        assert reject["reason"].startswith("is missing")


def test_the_next_sync_asks_for_what_was_created_since(resources: list[dict[str, Any]]):
    pages, _ = read(lambda get: listing(resources, get), **STREAM)
    newest = max(row.get("created") or 0 for row in resources)
    _, [asked] = read(lambda get: listing([], get), cursor=pages[-1].cursor, **STREAM)
    assert asked.parameters["created[gte]"] == str(newest - 300)


def rows(pages: list[Page], of: str) -> list[dict[str, Any]]:
    return [row for page in pages for row in getattr(page.batch, of).to_dicts()]


def sorted_texts(values: Any) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True) for value in values)
