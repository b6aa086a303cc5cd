"""Subscriptions and what they are worth a month.

Source: semantics.md, MRR. The amount of what happens to a subscription is by how much it
changes what is paid a month, a year's twelfth of it; that of an invoice is what is paid. What
is new, won back or lost of a customer, over all its subscriptions, is another question.
"""

from __future__ import annotations

from analyticspro.metrics.model import Aggregation, Cumulative, Simple, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("country", "plan", "source", "currency", "interval")
_CHANGES = (
    *("subscription_started", "subscription_upgraded"),
    *("subscription_downgraded", "subscription_cancelled"),
)

MRR = Cumulative(
    name="mrr",
    title="Monthly recurring revenue",
    meaning="What all subscriptions are worth a month, those paid by the year a twelfth of it, at "
    "the end of each bucket. Trials, credit packs and contracts of partners are not in it.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    of=Simple(
        name="mrr_change",
        title="Change of MRR",
        meaning="What subscriptions are worth a month more, or less, than before.",
        unit=Unit.MONEY,
        better="higher",
        dimensions=_DIMENSIONS,
        tags=("revenue",),
        events=_CHANGES,
        aggregation=Aggregation.SUM,
        column="amount_minor",
    ),
)
STARTED_MRR = Simple(
    name="started_mrr",
    title="MRR of subscriptions that began",
    meaning="What subscriptions that began are worth a month, a customer's first and any other.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=("subscription_started",),
    aggregation=Aggregation.SUM,
    column="amount_minor",
)
CANCELLED_MRR = Simple(
    name="cancelled_mrr",
    title="MRR of cancelled subscriptions",
    meaning="What subscriptions that were cancelled were worth a month, as a negative amount, "
    "whether their customer keeps another one or not.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=("subscription_cancelled",),
    aggregation=Aggregation.SUM,
    column="amount_minor",
)
SUBSCRIPTION_REVENUE = Simple(
    name="subscription_revenue",
    title="Subscription revenue",
    meaning="Invoices of subscriptions that were paid; those of a year in the bucket they were "
    "written.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=("subscription_invoiced",),
    aggregation=Aggregation.SUM,
    column="amount_minor",
)

METRICS = (
    MRR,
    STARTED_MRR,
    CANCELLED_MRR,
    SUBSCRIPTION_REVENUE,
)
