"""Orders and money.

Source: semantics.md, Orders. Revenue is net, each correction on its own day; an order is
one that is not itself a cancellation.
"""

from __future__ import annotations

from analyticspro.metrics.model import Aggregation, Cumulative, Derived, Ratio, Simple, Unit

__all__ = ["METRICS"]

_PLACED = ("order_placed",)
_CANCELLED = ("order_cancelled",)
_REFUNDED = ("order_refunded",)
_ALL = _PLACED + _CANCELLED + _REFUNDED
_DIMENSIONS = ("country", "product", "product_id", "plan", "channel", "source", "currency")

REVENUE = Simple(
    name="revenue",
    title="Revenue",
    meaning="Value of orders less cancellations and refunds, each on its own day.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=_ALL,
    aggregation=Aggregation.SUM,
    column="amount_minor",
)
GROSS_ORDER_VALUE = Simple(
    name="gross_order_value",
    title="Gross order value",
    meaning="Value of orders before cancellations and refunds.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=_PLACED,
    aggregation=Aggregation.SUM,
    column="amount_minor",
)
ORDERS = Simple(
    name="orders",
    title="Orders",
    meaning="Distinct orders placed. A cancellation is not an order, and takes none away.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=_PLACED,
    aggregation=Aggregation.COUNT_DISTINCT,
    column="order_id",
)
CANCELLATIONS = Simple(
    name="cancellations",
    title="Cancellations",
    meaning="Distinct cancelling invoices, on the day they were written.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_DIMENSIONS,
    events=_CANCELLED,
    aggregation=Aggregation.COUNT_DISTINCT,
    column="order_id",
)
INVOICES = Derived(
    name="invoices",
    title="Invoices",
    meaning="Orders and cancelling invoices together.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_DIMENSIONS,
    plus=(ORDERS, CANCELLATIONS),
)
CANCELLATION_RATE = Ratio(
    name="cancellation_rate",
    title="Cancellation rate",
    meaning="Cancelling invoices over all invoices (orders and cancelling invoices).",
    unit=Unit.FRACTION,
    better="lower",
    dimensions=_DIMENSIONS,
    numerator=CANCELLATIONS,
    denominator=INVOICES,
)
AVERAGE_ORDER_VALUE = Ratio(
    name="average_order_value",
    title="Average order value",
    meaning="Gross value of orders over the number of orders.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    numerator=GROSS_ORDER_VALUE,
    denominator=ORDERS,
)
ACTIVE_CUSTOMERS = Simple(
    name="active_customers",
    title="Active customers",
    meaning="Distinct customers with an order. Orders without a customer do not count here.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=_PLACED,
    aggregation=Aggregation.COUNT_DISTINCT,
    column="customer_id",
)
CUSTOMERS = Simple(
    name="customers",
    title="Customers",
    meaning="Distinct customers seen in any order, cancellation or refund.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=_ALL,
    aggregation=Aggregation.COUNT_DISTINCT,
    column="customer_id",
)
UNITS = Simple(
    name="units",
    title="Units sold",
    meaning="Quantity ordered less quantity cancelled.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    events=_PLACED + _CANCELLED,
    aggregation=Aggregation.SUM,
    column="quantity",
)
REFUNDS = Simple(
    name="refunds",
    title="Refunds",
    meaning="Value of refunds on the day they were given, as a negative amount.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    events=_REFUNDED,
    aggregation=Aggregation.SUM,
    column="amount_minor",
)
REFUND_RATE = Ratio(
    name="refund_rate",
    title="Refund rate",
    meaning="Value refunded over gross value of orders, both dated in the bucket. "
    "A refund counts on its own day, even of an older order.",
    unit=Unit.FRACTION,
    better="lower",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    numerator=Derived(
        name="refunded",
        title="Refunded",
        meaning="Value of refunds, as a positive amount.",
        unit=Unit.MONEY,
        better="lower",
        dimensions=_DIMENSIONS,
        minus=(REFUNDS,),
    ),
    denominator=GROSS_ORDER_VALUE,
)
REVENUE_TO_DATE = Cumulative(
    name="revenue_to_date",
    title="Revenue to date",
    meaning="Revenue since the first event, up to the end of each bucket.",
    unit=Unit.MONEY,
    better="higher",
    dimensions=_DIMENSIONS,
    tags=("revenue",),
    of=REVENUE,
)
CUSTOMERS_TO_DATE = Cumulative(
    name="customers_to_date",
    title="Customers to date",
    meaning="Distinct customers who have ever ordered, up to the end of each bucket.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    of=ACTIVE_CUSTOMERS,
)

METRICS = (
    REVENUE,
    ORDERS,
    ACTIVE_CUSTOMERS,
    AVERAGE_ORDER_VALUE,
    CANCELLATION_RATE,
    GROSS_ORDER_VALUE,
    CANCELLATIONS,
    INVOICES,
    CUSTOMERS,
    UNITS,
    REFUNDS,
    REFUND_RATE,
    REVENUE_TO_DATE,
    CUSTOMERS_TO_DATE,
)
