"""What a workspace asks of those who join it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from analyticspro.accounts.emails import domain_of
from analyticspro.errors import SettingError

__all__ = ["Rules", "SignUp"]


class SignUp(StrEnum):
    """Who may sign up: everybody, everybody whom an admin then approves, only the invited."""

    OPEN = "open"
    APPROVAL = "approval"
    INVITED = "invited"


@dataclass(frozen=True)
class Rules:
    """The rules; each has a default.

    Attributes:
        sign_up: Who may sign up.
        domains: Only addresses of these may sign up; of any if empty. Invitations are free of
            it.
        shortest_password: In characters.
        session_life: How long one stays signed in, used or not.
        session_idle: How long without being used.
    """

    sign_up: SignUp = SignUp.OPEN
    domains: tuple[str, ...] = ()
    shortest_password: int = 12
    session_life: timedelta = timedelta(days=30)
    session_idle: timedelta = timedelta(days=7)
    invitation_life: timedelta = timedelta(days=7)
    reset_life: timedelta = timedelta(hours=1)
    verification_life: timedelta = timedelta(days=2)
    first_admin_life: timedelta = timedelta(days=1)

    @classmethod
    def parse(cls, sign_up: str, domains: str) -> Rules:
        """Return the rules of the settings `sign_up` and `sign_up_domains`.

        Raises:
            SettingError: One of them cannot be used.
        """
        try:
            who = SignUp(sign_up)
        except ValueError:
            raise SettingError(
                f"Setting sign_up is {sign_up!r}; it may be {', '.join(SignUp)}."
            ) from None
        try:
            return cls(who, tuple(domain_of(f"x@{domain}") for domain in domains.split()))
        except ValueError:
            raise SettingError(
                f"Setting sign_up_domains is {domains!r}. Write domains with spaces between "
                "them, such as acme.example acme.test."
            ) from None
