"""Requests made up from the OpenAPI document, and against it, are answered and never break it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from analyticspro import clock
from analyticspro.collecting import KINDS, WriteKeys
from analyticspro.config import Home
from tests.api.server import Server, serving

COLLECTOR = {"/v1/batch", *(f"/v1/{kind}" for kind in KINDS)}


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    home = Home(tmp_path_factory.mktemp("generated") / "home").prepare()
    key = WriteKeys.of(home).create("shop", now=clock.now()).text
    with serving(home) as running:
        yield running, key


def check(collecting: tuple[Server, str], *, examples: int) -> None:
    server, key = collecting
    schema = schemathesis.openapi.from_dict(server.call("GET", "/v1/openapi.json").json)
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/v1/demo":
            continue  # it would mark the workspace, after which nothing else is taken
        tried.add(operation.path)
        token = key if operation.path in COLLECTOR else server.home.token()
        for mode in GenerationMode:
            answer_each(operation, mode, server, token, examples)
    assert tried >= COLLECTOR | {"/v1/query", "/v1/sources/{name}/rejects"}


def answer_each(
    operation: schemathesis.APIOperation[Any, Any, Any],
    mode: GenerationMode,
    server: Server,
    token: str,
    examples: int,
) -> None:
    """Send requests that fit the document, or that do not, and fail at the first 500."""

    @seed(20_261_121)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def test(case: schemathesis.Case) -> None:
        answer = case.call(base_url=server.url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 500, case.as_curl_command()

    try:
        test()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong about it


def test_whatever_is_asked_is_answered(collecting: tuple[Server, str]):
    check(collecting, examples=4)


@pytest.mark.soak
def test_whatever_is_asked_is_answered_for_long(collecting: tuple[Server, str]):
    check(collecting, examples=400)
