"""Requests that were answered, and checks that were made.

Source: semantics.md, Partner and B2C platform: uptime is time up over time observed,
declared maintenance excluded. The connectors tell by an event's name what went wrong.
"""

from __future__ import annotations

from fractions import Fraction

from analyticspro.metrics.model import Aggregation, Ratio, Simple, Unit

__all__ = ["METRICS"]

_REFUSED = ("request_refused",)
_FAILED = ("request_failed",)
_REQUESTS = ("request_served", *_REFUSED, *_FAILED)
_OF_REQUESTS = ("source", "status", "method", "path")
_PASSED = ("check_passed",)
_OBSERVED = (*_PASSED, "check_failed")
_MICROSECOND = Fraction(1, 1_000_000)
_OF_CHECKS = ("source", "monitor")

REQUESTS = Simple(
    name="requests",
    title="Requests",
    meaning="Requests that a server answered, whatever its answer.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_OF_REQUESTS,
    events=_REQUESTS,
    aggregation=Aggregation.COUNT,
)
FAILED_REQUESTS = Simple(
    name="failed_requests",
    title="Failed requests",
    meaning="Requests that a server could not answer: status 500 to 599.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_OF_REQUESTS,
    events=_FAILED,
    aggregation=Aggregation.COUNT,
)
REFUSED_REQUESTS = Simple(
    name="refused_requests",
    title="Refused requests",
    meaning="Requests that were the client's mistake: status 400 to 499.",
    unit=Unit.COUNT,
    better="lower",
    dimensions=_OF_REQUESTS,
    events=_REFUSED,
    aggregation=Aggregation.COUNT,
)
ERROR_RATE = Ratio(
    name="error_rate",
    title="Error rate",
    meaning="Failed requests (status 500 to 599) over all requests.",
    unit=Unit.FRACTION,
    better="lower",
    dimensions=_OF_REQUESTS,
    numerator=FAILED_REQUESTS,
    denominator=REQUESTS,
)
BYTES_SENT = Simple(
    name="bytes_sent",
    title="Bytes sent",
    meaning="Bytes of the answers' bodies.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_OF_REQUESTS,
    events=_REQUESTS,
    aggregation=Aggregation.SUM,
    column="bytes_sent",
)
AVERAGE_RESPONSE = Ratio(
    name="average_response",
    title="Average response",
    meaning="How long a request took, on average over those whose time was logged.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_OF_REQUESTS,
    numerator=Simple(
        name="response_time",
        title="Response time",
        meaning="How long all requests together took.",
        unit=Unit.SECONDS,
        better="lower",
        dimensions=_OF_REQUESTS,
        events=_REQUESTS,
        aggregation=Aggregation.SUM,
        column="response_us",
        one_is=_MICROSECOND,
    ),
    denominator=Simple(
        name="timed_requests",
        title="Timed requests",
        meaning="Requests whose time was logged.",
        unit=Unit.COUNT,
        better="neutral",
        dimensions=_OF_REQUESTS,
        events=_REQUESTS,
        aggregation=Aggregation.COUNT,
        column="response_us",
    ),
)
RESPONSE_P95 = Simple(
    name="response_p95",
    title="Response, 95th percentile",
    meaning="95 of 100 requests whose time was logged took no longer.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_OF_REQUESTS,
    events=_REQUESTS,
    aggregation=Aggregation.P95,
    column="response_us",
    one_is=_MICROSECOND,
)
CHECKS = Simple(
    name="checks",
    title="Checks",
    meaning="Uptime checks that were made, those during maintenance too.",
    unit=Unit.COUNT,
    better="neutral",
    dimensions=_OF_CHECKS,
    events=(*_OBSERVED, "check_excused"),
    aggregation=Aggregation.COUNT,
)
UPTIME = Ratio(
    name="uptime",
    title="Uptime",
    meaning="Time up over time observed, declared maintenance excluded. A check stands for the "
    "time until the next one; of a time without checks nothing is known, and it is in neither.",
    unit=Unit.FRACTION,
    better="higher",
    dimensions=_OF_CHECKS,
    numerator=Simple(
        name="time_up",
        title="Time up, s",
        meaning="Seconds that checks which passed stand for.",
        unit=Unit.COUNT,
        better="higher",
        dimensions=_OF_CHECKS,
        events=_PASSED,
        aggregation=Aggregation.SUM,
        column="observed_seconds",
    ),
    denominator=Simple(
        name="time_observed",
        title="Time observed, s",
        meaning="Seconds that all checks stand for, but those during maintenance.",
        unit=Unit.COUNT,
        better="neutral",
        dimensions=_OF_CHECKS,
        events=_OBSERVED,
        aggregation=Aggregation.SUM,
        column="observed_seconds",
    ),
)

METRICS = (
    REQUESTS,
    ERROR_RATE,
    FAILED_REQUESTS,
    REFUSED_REQUESTS,
    BYTES_SENT,
    AVERAGE_RESPONSE,
    RESPONSE_P95,
    CHECKS,
    UPTIME,
)
