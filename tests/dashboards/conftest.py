"""A stand-in for the client; see provider.py."""

from __future__ import annotations

from datetime import datetime

import pytest

from analyticspro.dashboards.context import Context
from tests.dashboards.provider import FrameProvider, orders


@pytest.fixture
def provider() -> FrameProvider:
    return FrameProvider(orders())


@pytest.fixture
def empty() -> FrameProvider:
    return FrameProvider(orders().clear(), now=datetime(2012, 1, 1))


@pytest.fixture
def november(provider: FrameProvider) -> Context:
    return Context.of(provider.workspace(), "2011-11", {})
