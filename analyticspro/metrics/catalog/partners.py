"""Partners, their contracts and credits, and the events that they hold.

Source: semantics.md, Partner and B2C platform. What a partner is on is its `plan`; credits
are a `quantity`.
"""

from __future__ import annotations

from analyticspro.metrics.model import (
    Aggregation,
    Cumulative,
    Derived,
    Property,
    Ratio,
    Simple,
    Unit,
)

__all__ = ["METRICS", "PARTNER_EVENTS"]

_DIMENSIONS = ("country", "plan", "source", "partner", "kind")
_OF_CREDITS = ("country", "plan", "source", "partner")

PARTNERS_APPROVED = Simple(
    name="partners_approved",
    title="Partners approved",
    meaning="Distinct partners that were approved.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("partner_approved",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="customer_id",
)
PARTNERS_DEACTIVATED = Simple(
    name="partners_deactivated",
    title="Partners deactivated",
    meaning="Distinct partners that were deactivated.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    events=("partner_deactivated",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="customer_id",
)
ACTIVE_PARTNERS = Simple(
    name="active_partners",
    title="Active partners",
    meaning="Distinct partners that held an event which began in the bucket.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("partner_event_held",),
    aggregation=Aggregation.COUNT_DISTINCT,
    column="customer_id",
)
PARTNER_EVENTS = Simple(
    name="partner_events",
    title="Partner events",
    meaning="Events of partners that were held, by when they began. Neither those that are still "
    "planned nor those that were cancelled.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("partner_event_held",),
    aggregation=Aggregation.COUNT,
)
EVENT_GUESTS = Simple(
    name="event_guests",
    title="Guests at events",
    meaning="Guests of the events that were held, as their partners tell them.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=("partner_event_held",),
    aggregation=Aggregation.SUM,
    column=Property("guests", "number"),
)
PARTNER_CREDITS_ADDED = Simple(
    name="partner_credits_added",
    title="Partner credits added",
    meaning="Credits granted to partners by contract, or bought by them.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_OF_CREDITS,
    tags=("credits",),
    events=("credits_granted", "credits_bought"),
    aggregation=Aggregation.SUM,
    column="quantity",
)
PARTNER_CREDITS_USED = Simple(
    name="partner_credits_used",
    title="Partner credits used",
    meaning="Credits that the pictures of events used up, when the event was over.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_OF_CREDITS,
    tags=("credits",),
    events=("credits_used",),
    aggregation=Aggregation.SUM,
    column="quantity",
)
CREDIT_CONSUMPTION = Ratio(
    name="credit_consumption",
    title="Credit consumption",
    meaning="Of all credits that were granted or bought up to the end of each bucket, the share "
    "that was used up by then: of all partners together, not the mean of each one's.",
    unit=Unit.FRACTION,
    better="neutral",
    dimensions=_OF_CREDITS,
    tags=("credits",),
    numerator=Cumulative(
        name="partner_credits_used_to_date",
        title="Partner credits used to date",
        meaning="Credits used since the first event.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_OF_CREDITS,
        of=PARTNER_CREDITS_USED,
    ),
    denominator=Cumulative(
        name="partner_credits_added_to_date",
        title="Partner credits added to date",
        meaning="Credits granted and bought since the first event.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_OF_CREDITS,
        of=PARTNER_CREDITS_ADDED,
    ),
)
CREDITS_IN_CHANNELS = Cumulative(
    name="credits_in_channels",
    title="Credits in channels",
    meaning="Credits that partners hold and have set aside for no event, at the end of each "
    "bucket: granted and bought, less set aside, and those which events gave back again.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_OF_CREDITS,
    tags=("credits",),
    of=Derived(
        name="change_of_credits_in_channels",
        title="Change of credits in channels",
        meaning="Credits that came free less those that were set aside.",
        unit=Unit.COUNT,
        better="neutral",
        dimensions=_OF_CREDITS,
        plus=(
            PARTNER_CREDITS_ADDED,
            Simple(
                name="credits_released",
                title="Credits released",
                meaning="Credits that events gave back.",
                unit=Unit.COUNT,
                better="neutral",
                dimensions=_OF_CREDITS,
                events=("credits_released",),
                aggregation=Aggregation.SUM,
                column="quantity",
            ),
        ),
        minus=(
            Simple(
                name="credits_allocated",
                title="Credits allocated",
                meaning="Credits set aside for events.",
                unit=Unit.COUNT,
                better="neutral",
                dimensions=_OF_CREDITS,
                events=("credits_allocated",),
                aggregation=Aggregation.SUM,
                column="quantity",
            ),
        ),
    ),
)
CONTRACT_VALUE = Simple(
    name="contract_value",
    title="Contract value",
    meaning="Value of contracts signed and renewed, a year's each, when they begin.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=(*_DIMENSIONS, "currency"),
    tags=("revenue",),
    events=("contract_signed", "contract_renewed"),
    aggregation=Aggregation.SUM,
    column="amount_minor",
)

METRICS = (
    PARTNERS_APPROVED,
    PARTNERS_DEACTIVATED,
    ACTIVE_PARTNERS,
    PARTNER_EVENTS,
    EVENT_GUESTS,
    PARTNER_CREDITS_ADDED,
    PARTNER_CREDITS_USED,
    CREDIT_CONSUMPTION,
    CREDITS_IN_CHANNELS,
    CONTRACT_VALUE,
)
