"""What notebooks and commands ask a workspace with."""

from analyticspro.client.client import Client, connect
from analyticspro.client.transport import Local, OnProgress, Remote, Transport, reach

__all__ = ["Client", "Local", "OnProgress", "Remote", "Transport", "connect", "reach"]
