"""Visits and sign-ups."""

from __future__ import annotations

from analyticspro.metrics.model import Aggregation, Simple, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("country", "plan", "channel", "source")

SIGN_UPS = Simple(
    name="sign_ups",
    title="Sign-ups",
    meaning="Distinct users who signed up.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("signed_up",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="user_id",
)
SESSIONS = Simple(
    name="sessions",
    title="Sessions",
    meaning="Distinct sessions with an event in the bucket, as the source numbers them.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("session_started", "page_viewed"),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="session_id",
)
PAGE_VIEWS = Simple(
    name="page_views",
    title="Page views",
    meaning="Pages viewed.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("page_viewed",),
    aggregation=Aggregation.COUNT,
)
EVENTS = Simple(
    name="events",
    title="Events",
    meaning="All events of all sources, of whatever name.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=(*_DIMENSIONS, "event", "product", "product_id"),
    events=(),
    aggregation=Aggregation.COUNT,
)

METRICS = (SIGN_UPS, SESSIONS, PAGE_VIEWS, EVENTS)
