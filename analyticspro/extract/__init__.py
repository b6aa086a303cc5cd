"""Parts that connectors of HTTP sources are made of: asking, paging, going on where it ended.

What carries the requests is `extract.transport`, which is not imported from here: it loads an
HTTP library, that whoever only reads declarations can do without.
"""

from analyticspro.extract.authentication import (
    Anonymous,
    Authentication,
    Basic,
    Bearer,
    HeaderKey,
    QueryKey,
)
from analyticspro.extract.exchange import Again, Malformed, Request, Response, shown
from analyticspro.extract.oauth import ClientCredentials
from analyticspro.extract.paging import (
    ByCursor,
    ByLink,
    ByNextUrl,
    OnePage,
    Paging,
    Place,
    Record,
    Reply,
    Step,
    at_path,
)
from analyticspro.extract.positions import ByOffset, ByPage
from analyticspro.extract.progress import Progress, Value
from analyticspro.extract.rate_limit import RateLimit
from analyticspro.extract.retry import Retry
from analyticspro.extract.secret import Secret, Secrets
from analyticspro.extract.session import Refused, Session
from analyticspro.extract.timing import Timing
from analyticspro.extract.walk import PlaceRefused, walk

__all__ = [
    "Again",
    "Anonymous",
    "Authentication",
    "Basic",
    "Bearer",
    "ByCursor",
    "ByLink",
    "ByNextUrl",
    "ByOffset",
    "ByPage",
    "ClientCredentials",
    "HeaderKey",
    "Malformed",
    "OnePage",
    "Paging",
    "Place",
    "PlaceRefused",
    "Progress",
    "QueryKey",
    "RateLimit",
    "Record",
    "Refused",
    "Reply",
    "Request",
    "Response",
    "Retry",
    "Secret",
    "Secrets",
    "Session",
    "Step",
    "Timing",
    "Value",
    "at_path",
    "shown",
    "walk",
]
