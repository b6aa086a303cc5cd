"""Support: tickets, how long they take, and what people say of it."""

from __future__ import annotations

from fractions import Fraction

from analyticspro.metrics.model import Aggregation, Only, Property, Ratio, Simple, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("country", "plan", "source", "topic", "priority")
_SINCE_OPENED = Property("minutes", "number")
_MINUTE = Fraction(60)
_SCORE = Property("csat", "number")

TICKETS_OPENED = Simple(
    name="tickets_opened",
    title="Tickets opened",
    meaning="Support tickets that were opened.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    events=("ticket_opened",),
    aggregation=Aggregation.COUNT,
)
URGENT_TICKETS = Simple(
    name="urgent_tickets",
    title="Urgent tickets opened",
    meaning="Support tickets of high priority that were opened.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    events=("ticket_opened",),
    aggregation=Aggregation.COUNT,
    where=(Only(Property("priority"), ("high", "urgent")),),
)
TICKETS_RESOLVED = Simple(
    name="tickets_resolved",
    title="Tickets resolved",
    meaning="Support tickets that were resolved.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("ticket_resolved",),
    aggregation=Aggregation.COUNT,
)
REPLY_TIME = Simple(
    name="reply_time",
    title="Time to a reply",
    meaning="The median time from the opening of a ticket to the reply to it, of those that were "
    "replied to in the bucket.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_DIMENSIONS,
    events=("ticket_replied",),
    aggregation=Aggregation.MEDIAN,
    column=_SINCE_OPENED,
    one_is=_MINUTE,
)
RESOLUTION_TIME = Simple(
    name="resolution_time",
    title="Time to a resolution",
    meaning="The median time from the opening of a ticket to its resolution, of those that were "
    "resolved in the bucket.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_DIMENSIONS,
    events=("ticket_resolved",),
    aggregation=Aggregation.MEDIAN,
    column=_SINCE_OPENED,
    one_is=_MINUTE,
)
SATISFACTION = Ratio(
    name="satisfaction",
    title="Satisfaction",
    meaning="What people gave, from 1 to 5, on average over the tickets that were resolved in the "
    "bucket and for which somebody gave it.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    numerator=Simple(
        name="scores",
        title="Scores together",
        meaning="The sum of what people gave.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_DIMENSIONS,
        events=("ticket_resolved",),
        aggregation=Aggregation.SUM,
        column=_SCORE,
    ),
    denominator=Simple(
        name="scored_tickets",
        title="Scored tickets",
        meaning="Tickets for which somebody gave a score.",
        unit=Unit.COUNT,
        better="neutral",
        dimensions=_DIMENSIONS,
        events=("ticket_resolved",),
        aggregation=Aggregation.COUNT,
        column=_SCORE,
    ),
)

METRICS = (
    TICKETS_OPENED,
    URGENT_TICKETS,
    TICKETS_RESOLVED,
    REPLY_TIME,
    RESOLUTION_TIME,
    SATISFACTION,
)
