"""What a provider says of a person, and what a workspace makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from analyticspro.accounts.emails import domain_of
from analyticspro.config import Settings
from analyticspro.errors import SettingError, UnknownName
from analyticspro.policy import Role

__all__ = ["Proof", "Provided"]


@dataclass(frozen=True)
class Proof:
    """What a provider says of who has signed in there, once its word has been checked.

    No form and no JSON can make one: whoever has it may be let in.

    Attributes:
        issuer: The provider.
        subject: Its name for the person, which never becomes another's.
        email: The address, as it is told.
        is_verified: Whether the provider has seen that the address is the person's.
        name: What the person is called; may be empty.
        groups: The values of the claim that tells roles.
    """

    issuer: str
    subject: str
    email: str = field(repr=False)
    is_verified: bool
    name: str = field(repr=False)
    groups: frozenset[str]


@dataclass(frozen=True)
class Provided:
    """What a workspace asks of those who come by a provider.

    Attributes:
        roles: Value of the claim → role; the first that a person has, counts.
        default: Whoever has none of them; None lets those not in.
        domains: Only addresses of these; of any if empty.
        session_life: When the provider is asked again.
    """

    roles: tuple[tuple[str, Role], ...] = ()
    default: Role | None = None
    domains: tuple[str, ...] = ()
    session_life: timedelta = timedelta(hours=8)

    @classmethod
    def of(cls, settings: Settings) -> Provided:
        """Return what the settings `oidc_…` say.

        Raises:
            SettingError: One of them cannot be used, or nobody could come in.
        """
        roles = tuple(map(_pair, filter(str.strip, settings.oidc_roles.split(","))))
        default = _role(settings.oidc_default_role) if settings.oidc_default_role else None
        if not roles and default is None:
            raise SettingError(
                "Settings oidc_roles and oidc_default_role are both empty: nobody could come "
                "in. Write oidc_roles such as Admins=admin, Data team=analyst."
            )
        if settings.oidc_session_hours < 1:
            raise SettingError(
                f"Setting oidc_session_hours is {settings.oidc_session_hours}; write 1 or more."
            )
        try:
            domains = tuple(domain_of(f"x@{one}") for one in settings.oidc_domains.split())
        except ValueError:
            raise SettingError(
                f"Setting oidc_domains is {settings.oidc_domains!r}. Write domains with spaces "
                "between them, such as acme.example acme.test."
            ) from None
        return cls(roles, default, domains, timedelta(hours=settings.oidc_session_hours))


def _pair(text: str) -> tuple[str, Role]:
    claim, equals, role = text.rpartition("=")
    if not (equals and claim.strip()):
        raise SettingError(
            f"Setting oidc_roles has {text.strip()!r}. Write value=role with commas between "
            "them, such as Admins=admin, Data team=analyst."
        )
    return claim.strip(), _role(role.strip())


def _role(text: str) -> Role:
    try:
        return Role.of(text)
    except UnknownName as error:
        raise SettingError(f"Settings oidc_roles and oidc_default_role: {error}") from None
