"""What is written to persons. Plain text: nothing to load, nothing to track."""

from __future__ import annotations

from datetime import datetime

from analyticspro.accounts.desk import OneTime
from analyticspro.outbox import Message

__all__ = ["already_joined", "approved", "invitation", "password_changed", "reset", "verification"]


def invitation(link: OneTime) -> Message:
    """Invite somebody."""
    return _linked(
        link,
        "Your invitation to AnalyticsPro",
        "You are invited to AnalyticsPro. Choose a name and a password here:",
    )


def verification(link: OneTime) -> Message:
    """Ask whoever signed up whether the address is theirs."""
    return _linked(
        link,
        "Confirm your e-mail address",
        "Confirm that this address is yours, and your AnalyticsPro account is ready:",
    )


def reset(link: OneTime) -> Message:
    """Let somebody choose a new password."""
    return _linked(link, "Choose a new password", "Choose a new password for AnalyticsPro here:")


def already_joined(email: str, base_url: str, now: datetime) -> Message:
    """Tell the owner of an account that somebody signed up with its address; once a day."""
    return Message(
        recipient=email,
        subject="You have an AnalyticsPro account already",
        text="Somebody, perhaps you, signed up for AnalyticsPro with this address. It has an "
        f"account already; nothing was changed. Sign in, or choose a new password:\n\n{base_url}\n",
        kind="already_joined",
        key=f"already_joined:{email}:{now:%Y-%m-%d}",
    )


def approved(email: str, base_url: str) -> Message:
    """Tell somebody who waited that the account is ready."""
    return Message(
        recipient=email,
        subject="Your AnalyticsPro account is ready",
        text=f"An admin has approved your account. Sign in here:\n\n{base_url}\n",
        kind="approved",
    )


def password_changed(email: str) -> Message:
    """Tell somebody that the password was changed, in case it was another."""
    return Message(
        recipient=email,
        subject="Your AnalyticsPro password was changed",
        text="The password of your AnalyticsPro account was changed. If that was not you, "
        "choose a new one at once, and tell an admin.\n",
        kind="password_changed",
    )


def _linked(link: OneTime, subject: str, opening: str) -> Message:
    return Message(
        recipient=link.email,
        subject=subject,
        text=f"{opening}\n\n{link.url}\n\nThe link works once, until "
        f"{link.expires_at:%Y-%m-%d %H:%M} UTC. If you did not expect this mail, ignore it.\n",
        kind=str(link.kind),
    )
