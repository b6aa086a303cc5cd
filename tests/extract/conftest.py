"""A real server for each test, and a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.extract.answering import Server, Time


@pytest.fixture
def server() -> Iterator[Server]:
    """A server, which answers `{}` until told otherwise."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def time() -> Time:
    """A clock that only waiting moves."""
    return Time()
