"""Pictures: those that guests of events ask for, and those of people at home.

Source: semantics.md, Partner and B2C platform: generations. The style is the `product`.
"""

from __future__ import annotations

from analyticspro.metrics.catalog.partners import PARTNER_EVENTS
from analyticspro.metrics.model import Aggregation, Property, Ratio, Simple, Unit

__all__ = ["METRICS"]

_DIMENSIONS = ("country", "plan", "source")
_OF_STYLES = (*_DIMENSIONS, "product", "category")
_DRAWN = ("picture_generated", "app_picture_generated")
_SECONDS = Property("seconds", "number")

EVENT_PICTURES = Simple(
    name="event_pictures",
    title="Pictures at events",
    meaning="Pictures asked for by guests of events, those that failed too.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_OF_STYLES,
    events=("picture_generated", "picture_failed"),
    aggregation=Aggregation.COUNT,
)
PICTURE_FAILURE_RATE = Ratio(
    name="picture_failure_rate",
    title="Picture failure rate",
    meaning="Pictures of guests that failed over those that were asked for.",
    unit=Unit.FRACTION,
    better="lower",
    dimensions=_OF_STYLES,
    numerator=Simple(
        name="failed_pictures",
        title="Failed pictures",
        meaning="Pictures of guests that failed.",
        unit=Unit.COUNT,
        better="lower",
        dimensions=_OF_STYLES,
        events=("picture_failed",),
        aggregation=Aggregation.COUNT,
    ),
    denominator=EVENT_PICTURES,
)
PICTURES_PER_EVENT = Ratio(
    name="pictures_per_event",
    title="Pictures per event",
    meaning="Pictures asked for by guests over events held, both dated in the bucket.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=_DIMENSIONS,
    numerator=EVENT_PICTURES,
    denominator=PARTNER_EVENTS,
)
STYLES_USED = Simple(
    name="styles_used",
    title="Styles used",
    meaning="Distinct styles in which a picture was made, at an event or at home.",
    unit=Unit.COUNT,
    better="higher",
    dimensions=(*_DIMENSIONS, "category"),
    events=_DRAWN,
    aggregation=Aggregation.COUNT_DISTINCT,
    column="product",
)
PICTURE_TIME = Ratio(
    name="picture_time",
    title="Time to make a picture",
    meaning="How long a picture took, on average over those that were made, at events and at "
    "home, and whose time was told.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_OF_STYLES,
    numerator=Simple(
        name="seconds_of_pictures",
        title="Time of pictures",
        meaning="How long all pictures together took.",
        unit=Unit.SECONDS,
        better="lower",
        dimensions=_OF_STYLES,
        events=_DRAWN,
        aggregation=Aggregation.SUM,
        column=_SECONDS,
    ),
    denominator=Simple(
        name="timed_pictures",
        title="Timed pictures",
        meaning="Pictures whose time was told.",
        unit=Unit.COUNT,
        better="neutral",
        dimensions=_OF_STYLES,
        events=_DRAWN,
        aggregation=Aggregation.COUNT,
        column=_SECONDS,
    ),
)
PICTURE_TIME_P95 = Simple(
    name="picture_time_p95",
    title="Time to make a picture, 95th percentile",
    meaning="95 of 100 pictures that were made took no longer.",
    unit=Unit.SECONDS,
    better="lower",
    dimensions=_OF_STYLES,
    events=_DRAWN,
    aggregation=Aggregation.P95,
    column=_SECONDS,
)

METRICS = (
    EVENT_PICTURES,
    PICTURE_FAILURE_RATE,
    PICTURES_PER_EVENT,
    STYLES_USED,
    PICTURE_TIME,
    PICTURE_TIME_P95,
)
