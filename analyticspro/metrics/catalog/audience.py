"""Visits, sign-ups and who was there.

Source: semantics.md, Sessions, Active users. What a session is: `warehouse/sessions.py`.
"""

from __future__ import annotations

from analyticspro.metrics.model import (
    Aggregation,
    OfSessions,
    Ratio,
    Simple,
    Trailing,
    Unit,
)

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
ACTIVE_USERS = Simple(
    name="active_users",
    title="Active users",
    meaning="Distinct users with an event of whatever name in the bucket: by day, the daily "
    "active users; by month, those of the calendar month. A visitor who is known by an anonymous "
    "id alone is a user too.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=(),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="user_id",
)
WEEKLY_ACTIVE_USERS = Trailing(
    name="weekly_active_users",
    title="Weekly active users",
    meaning="Distinct users with an event in the 7 days that end with the bucket's last day.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    of=ACTIVE_USERS,
    days=7,
)
MONTHLY_ACTIVE_USERS = Trailing(
    name="monthly_active_users",
    title="Monthly active users",
    meaning="Distinct users with an event in the 30 days that end with the bucket's last day; "
    "not those of a calendar month, which active users by month are.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    of=ACTIVE_USERS,
    days=30,
)
STICKINESS = Ratio(
    name="stickiness",
    title="Stickiness",
    meaning="The mean of daily active users over the 30 days that end with the bucket's last "
    "day, over the monthly active users then: on which share of the days a user was there. "
    "Days before the first event count as days without users.",
    unit=Unit.FRACTION,
    better="higher",
    dimensions=_DIMENSIONS,
    numerator=Trailing(
        name="mean_daily_active_users",
        title="Mean daily active users",
        meaning="The mean of daily active users over 30 days.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_DIMENSIONS,
        of=ACTIVE_USERS,
        days=30,
        is_daily_mean=True,
    ),
    denominator=MONTHLY_ACTIVE_USERS,
)
SESSIONS = OfSessions(
    name="sessions",
    title="Sessions",
    meaning="Sessions that began in the bucket. Where events carry the source's own session_id, "
    "it says which are one session; of other events of a user those are that are at most 30 "
    "minutes apart, for up to 24 hours. Country, plan and channel are those of its first event.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    column="sessions",
)
BOUNCE_RATE = Ratio(
    name="bounce_rate",
    title="Bounce rate",
    meaning="Sessions with one page and nothing else done, over all sessions that began in the "
    "bucket. Pages are page_viewed and screen_viewed; any other event is something done, but "
    "for what a tracker tells by itself (session_started, session_ended, user_identified, "
    "user_aliased, group_joined), cancellations and refunds.",
    unit=Unit.FRACTION,
    better="lower",
    dimensions=_DIMENSIONS,
    numerator=OfSessions(
        name="bounces",
        title="Bounces",
        meaning="Sessions with one page and nothing else done.",
        unit=Unit.COUNT,
        better="lower",
        dimensions=_DIMENSIONS,
        column="bounces",
    ),
    denominator=SESSIONS,
)
PAGES_PER_SESSION = Ratio(
    name="pages_per_session",
    title="Pages per session",
    meaning="Pages and screens viewed in the sessions that began in the bucket, over their number.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    numerator=OfSessions(
        name="pages_in_sessions",
        title="Pages in sessions",
        meaning="Pages and screens viewed in the sessions that began in the bucket.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_DIMENSIONS,
        column="page_views",
    ),
    denominator=SESSIONS,
)
SESSION_DURATION = Ratio(
    name="session_duration",
    title="Session duration",
    meaning="Time from the first to the last event of a session, on average over those that "
    "began in the bucket. One of a single event lasts no time.",
    unit=Unit.SECONDS,
    better="higher",
    dimensions=_DIMENSIONS,
    numerator=OfSessions(
        name="seconds_in_sessions",
        title="Time in sessions",
        meaning="How long the sessions which began in the bucket lasted together.",
        unit=Unit.SECONDS,
        better="higher",
        dimensions=_DIMENSIONS,
        column="seconds",
    ),
    denominator=SESSIONS,
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

METRICS = (
    SIGN_UPS,
    ACTIVE_USERS,
    WEEKLY_ACTIVE_USERS,
    MONTHLY_ACTIVE_USERS,
    STICKINESS,
    SESSIONS,
    BOUNCE_RATE,
    PAGES_PER_SESSION,
    SESSION_DURATION,
    PAGE_VIEWS,
    EVENTS,
)
