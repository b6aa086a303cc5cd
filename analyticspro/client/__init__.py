"""What notebooks and commands ask a workspace with."""

from analyticspro.client.client import Client, connect
from analyticspro.client.local import Local
from analyticspro.client.presence import Presence, announced, presence
from analyticspro.client.reach import reach
from analyticspro.client.remote import Remote
from analyticspro.client.transport import OnProgress, Transport

__all__ = [
    "Client",
    "Local",
    "OnProgress",
    "Presence",
    "Remote",
    "Transport",
    "announced",
    "connect",
    "presence",
    "reach",
]
