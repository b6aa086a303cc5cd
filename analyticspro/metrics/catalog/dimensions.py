"""What figures can be broken down and filtered by."""

from __future__ import annotations

from analyticspro.metrics.model import Dimension, Property

__all__ = ["DIMENSIONS"]

_AUDITED = ("security",)

DIMENSIONS = (
    Dimension("country", "Country", "Country of the customer, as the source writes it."),
    Dimension("product", "Product", "Name of the product, as the source writes it."),
    Dimension("product_id", "Product id", "The source's own id of the product."),
    Dimension("plan", "Plan", "The customer's plan at the time of the event."),
    Dimension("channel", "Channel", "How the customer found us."),
    Dimension("currency", "Currency", "ISO 4217 code of the amount."),
    Dimension("source", "Source", "The source the event came from."),
    Dimension("status", "Status", "Status of the answer to a request, such as 404."),
    Dimension("method", "Method", "Method of a request, such as GET."),
    Dimension("path", "Path", "What a request asked for, without its query."),
    Dimension("monitor", "Monitor", "Name of what was checked."),
    Dimension("partner", "Partner", "Name of the partner.", Property("partner")),
    Dimension("kind", "Kind", "Kind of the partner, or of the event held.", Property("kind")),
    Dimension("category", "Category", "Category of the style.", Property("category")),
    Dimension(
        "interval",
        "Paid by",
        "How often a subscription is paid: by the month or by the year.",
        Property("interval"),
    ),
    Dimension("topic", "Topic", "What a support ticket is about.", Property("topic")),
    Dimension("priority", "Priority", "Priority of a support ticket.", Property("priority")),
    Dimension("event", "Event", "Name of the event."),
    Dimension(
        "actor", "By", "Who did it: a person's id, or a machine.", Property("actor"), _AUDITED
    ),
    Dimension("action", "Action", "What was done, or tried.", Property("action"), _AUDITED),
)
