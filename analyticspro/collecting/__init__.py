"""The event collector: what it takes, from whom, and what it makes of it. It knows no HTTP."""

from analyticspro.collecting.body import (
    LARGEST_BODY,
    Read,
    Unacceptable,
    expanded,
    messages,
    too_large,
)
from analyticspro.collecting.message import LARGEST_EVENT, MESSAGES, Converter, Row, kept_of_reject
from analyticspro.collecting.naming import KINDS
from analyticspro.collecting.signature import TOLERANCE_S, is_signed, signature
from analyticspro.collecting.throttle import Bucket
from analyticspro.collecting.write_keys import MadeKey, WriteKey, WriteKeys
from analyticspro.collecting.wrong import Wrong, shown

__all__ = [
    "KINDS",
    "LARGEST_BODY",
    "LARGEST_EVENT",
    "MESSAGES",
    "TOLERANCE_S",
    "Bucket",
    "Converter",
    "MadeKey",
    "Read",
    "Row",
    "Unacceptable",
    "WriteKey",
    "WriteKeys",
    "Wrong",
    "expanded",
    "is_signed",
    "kept_of_reject",
    "messages",
    "shown",
    "signature",
    "too_large",
]
