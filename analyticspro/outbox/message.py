"""A message as it is written, and as it goes over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from analyticspro.errors import DefinitionError, SettingError

__all__ = ["Attachment", "Message", "composed", "sender_of"]


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Message:
    """What is to be sent to one recipient.

    Attributes:
        recipient: One address.
        text: What is read where HTML is not.
        kind: Why it is sent: invitation, reset, alert, report…
        key: A second message of the same key is not queued; None if each counts.
    """

    recipient: str
    subject: str
    text: str = field(repr=False)
    kind: str
    html: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
    key: str | None = None


def sender_of(text: str) -> Address:
    """Return the address that mail is from.

    >>> str(sender_of("Acme Analytics <analytics@acme.example>"))
    'Acme Analytics <analytics@acme.example>'

    Raises:
        SettingError: It is none.
    """
    name, found = parseaddr(text)
    user, _, domain = found.rpartition("@")
    try:
        address = Address(name, user, domain)
        if not user or not domain or not found.isascii() or not text.isprintable():
            raise ValueError
    except ValueError:
        raise SettingError(
            f"Setting mail_from is {text!r}, which is no address. Write one such as "
            "Acme Analytics <analytics@acme.example>."
        ) from None
    return address


def composed(message: Message, sender: Address, message_id: str, now: datetime) -> bytes:
    """Return the message as it goes over the wire.

    Raises:
        DefinitionError: A header would hold a line break, or the recipient is no address.
    """
    try:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = sender
        user, _, domain = message.recipient.rpartition("@")
        if not user or not domain:
            raise ValueError
        mail["To"] = Address("", user, domain)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = message_id
        mail["Auto-Submitted"] = "auto-generated"  # no out-of-office answers, please
    except (ValueError, IndexError):
        raise DefinitionError(
            f"A mail to {message.recipient!r} cannot be written: an address or its subject "
            "holds what a header cannot."
        ) from None
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        kind, _, subkind = attachment.media_type.partition("/")
        mail.add_attachment(
            attachment.content, maintype=kind, subtype=subkind, filename=attachment.name
        )
    return mail.as_bytes()
