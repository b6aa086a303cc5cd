"""Mail that is sent: queued with what it tells of, kept until a server has taken it."""

from analyticspro.outbox.delivery import Round, Worker
from analyticspro.outbox.message import Attachment, Message
from analyticspro.outbox.outbox import Outbox
from analyticspro.outbox.server import MailServer, Security
from analyticspro.state import Mail, MailState

__all__ = [
    "Attachment",
    "Mail",
    "MailServer",
    "MailState",
    "Message",
    "Outbox",
    "Round",
    "Security",
    "Worker",
]
