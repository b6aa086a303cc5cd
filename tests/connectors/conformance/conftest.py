"""Which connectors the conformance suite is run over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.connectors.conformance.harness import Harness, WebHarness
from tests.connectors.conformance.rest_harness import PAGINGS, RestHarness
from tests.connectors.conformance.sql_harness import SqlHarness

OVER_HTTP: dict[str, Callable[[], WebHarness]] = {
    **{f"rest by {paging}": partial(RestHarness, paging) for paging in PAGINGS},
    "rest, newest first": partial(RestHarness, "cursor", newest_first=True),
    "rest by offset, newest first": partial(RestHarness, "offset", newest_first=True),
    "rest by page, newest first": partial(RestHarness, "page", newest_first=True),
}
HARNESSES: dict[str, Callable[[], Harness]] = {
    **OVER_HTTP,
    **{kind: partial(SqlHarness, kind) for kind in ("postgresql", "mariadb", "sqlite")},
}


@pytest.fixture(params=HARNESSES)
def source(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """Each source under test, running and empty."""
    harness = HARNESSES[request.param]()
    yield harness
    harness.stop()


@pytest.fixture(params=OVER_HTTP)
def web(request: pytest.FixtureRequest) -> Iterator[WebHarness]:
    """Each source under test that is asked over HTTP."""
    harness = OVER_HTTP[request.param]()
    yield harness
    harness.stop()
