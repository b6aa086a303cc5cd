"""What a person may change about a workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.errors import DefinitionError, SettingError
from analyticspro.grain import WeekStart
from analyticspro.money import exponent

__all__ = ["Settings"]

_STATE_EXAMPLE = "postgresql://analyticspro:${STATE_PASSWORD}@db/analyticspro"
_MAIL_EXAMPLE = "smtp+starttls://analyticspro:${MAIL_PASSWORD}@mail.example:587"
# Files among the zones that name no place: each machine means something else by them.
_LEAST_MEMORY_MB = 256
_NO_ZONES = ("localtime", "posixrules", "Factory")


@dataclass(frozen=True)
class Settings:
    """What a person may change about a workspace; each has a default."""

    name: str = field(default="Workspace", metadata={"help": "Shown on every page and report."})
    timezone: str = field(
        default="UTC", metadata={"help": "IANA zone in which days, weeks and months are cut."}
    )
    week_start: str = field(default="monday", metadata={"help": "monday or sunday."})
    currency: str = field(
        default="USD", metadata={"help": "Currency of amounts where there is no data yet."}
    )
    host: str = field(
        default="127.0.0.1", metadata={"help": "Address to listen on. Loopback by default."}
    )
    port: int = field(default=8750, metadata={"help": "Port of the pages, behind the proxy."})
    api_port: int = field(default=8751, metadata={"help": "Port of the api."})
    hub_port: int = field(default=8752, metadata={"help": "Port of the proxy, the one to open."})
    hub_api_port: int = field(
        default=8753, metadata={"help": "Port of the hub behind the proxy, on loopback only."}
    )
    proxy_api_port: int = field(
        default=8754, metadata={"help": "Port where the hub directs the proxy, on loopback only."}
    )
    public_url: str = field(
        default="",
        metadata={
            "help": "Address that people open, such as https://analytics.example.org; "
            "http://localhost and hub_port if empty."
        },
    )
    lab_host_names: bool = field(
        default=False,
        metadata={
            "help": "Whether each JupyterLab has a host name of its own below that of public_url "
            "(needs a wildcard in DNS and certificate). On localhost they always have."
        },
    )
    tls_certificate: str = field(
        default="", metadata={"help": "File of the certificate that the proxy encrypts with."}
    )
    tls_key: str = field(default="", metadata={"help": "File of the certificate's key."})
    allow_remote: bool = field(
        default=False,
        metadata={"help": "Listen on an address that other machines can reach, unencrypted."},
    )
    backup_at: str = field(
        default="",
        metadata={
            "help": "When the workspace is backed up by itself, as cron: 30 3 * * * is every "
            "night at 03:30. Never if empty."
        },
    )
    backups_kept: int = field(
        default=7, metadata={"help": "How many of these backups are kept, the newest ones."}
    )
    memory_mb: int = field(
        default=1500,
        metadata={
            "help": "Memory for the pages and intermediate results of the warehouse, MB; more than "
            "that is put on disk. The ids of events take 32 bytes each besides."
        },
    )
    hot_days: int = field(
        default=0,
        metadata={
            "help": "Events of months older than so many days are archived every night: moved "
            "into files beside the data, and read as before. Never if 0."
        },
    )
    keep_days: int = field(
        default=0,
        metadata={
            "help": "Archived months older than so many days are deleted for good; sums of them "
            "are kept. Never if 0."
        },
    )
    state_url: str = field(
        default="",
        metadata={
            "help": "PostgreSQL to keep schedules in, as postgresql://user:${NAME}@host/database; "
            "a file in the home if empty."
        },
    )
    sign_up: str = field(
        default="open",
        metadata={
            "help": "Who may sign up, as a viewer: open (everybody), approval (whom an admin "
            "approves) or invited."
        },
    )
    sign_up_domains: str = field(
        default="",
        metadata={
            "help": "E-mail domains whose addresses may sign up, with spaces between them; any "
            "if empty."
        },
    )
    oidc_issuer: str = field(
        default="",
        metadata={
            "help": "OpenID Connect provider that people sign in by, such as "
            "https://login.acme.example; none if empty. Its client's secret: analyticspro secrets "
            "set oidc.client_secret."
        },
    )
    oidc_client_id: str = field(
        default="", metadata={"help": "What the provider calls this workspace."}
    )
    oidc_name: str = field(
        default="your organisation", metadata={"help": "Shown on the button: Sign in with …"}
    )
    oidc_role_claim: str = field(
        default="groups", metadata={"help": "Claim of the provider that tells people's roles."}
    )
    oidc_roles: str = field(
        default="",
        metadata={
            "help": "Which value of that claim is which role, such as Admins=admin, Data "
            "team=analyst; the first that a person has, counts."
        },
    )
    oidc_default_role: str = field(
        default="",
        metadata={"help": "Role of those who have none of these values; not let in if empty."},
    )
    oidc_domains: str = field(
        default="",
        metadata={
            "help": "E-mail domains whose addresses come in by the provider, with spaces "
            "between them; any if empty."
        },
    )
    oidc_session_hours: int = field(
        default=8, metadata={"help": "After how many hours the provider is asked again."}
    )
    mail_url: str = field(
        default="",
        metadata={
            "help": "Server that takes mail, as smtp+starttls://user:${NAME}@host:587 or "
            "smtps://…; no mail is sent if empty."
        },
    )
    mail_from: str = field(
        default="AnalyticsPro <analyticspro@localhost>",
        metadata={"help": "Whom mail is from, such as Acme Analytics <analytics@acme.example>."},
    )
    package_index: str = field(
        default="",
        metadata={
            "help": "Index that people install packages from into their own JupyterLab, such as "
            "https://pypi.org/simple; no packages if empty."
        },
    )
    package_hosts: str = field(
        default="",
        metadata={
            "help": "Hosts besides the index's own that its files may come from, such as "
            "files.pythonhosted.org, with spaces between them."
        },
    )
    demo: bool = field(
        default=False,
        metadata={"help": "Whether this workspace holds demo data; set by `analyticspro demo`."},
    )

    def __post_init__(self) -> None:
        try:
            if self.timezone in _NO_ZONES:
                raise ValueError
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise SettingError(
                f"Setting timezone is {self.timezone!r}, which is no IANA zone. "
                "Write one such as Europe/London."
            ) from None
        if self.week_start not in list(WeekStart):
            raise SettingError(
                f"Setting week_start is {self.week_start!r}; it may be monday or sunday."
            )
        try:
            exponent(self.currency)
        except DefinitionError as error:
            raise SettingError(f"Setting currency: {error}") from None
        if not self.host:
            raise SettingError(
                "Setting host is empty, which would listen on every address. "
                "Write 127.0.0.1, or the address to listen on."
            )
        _check_ports({item.name: getattr(self, item.name) for item in fields(self)})
        if self.backups_kept < 1:
            raise SettingError(f"Setting backups_kept is {self.backups_kept}; keep at least 1.")
        if self.memory_mb < _LEAST_MEMORY_MB:
            raise SettingError(
                f"Setting memory_mb is {self.memory_mb}; {_LEAST_MEMORY_MB} is the least."
            )
        _check_days(self.hot_days, self.keep_days)
        _check_no_password("state_url", self.state_url, _STATE_EXAMPLE)
        _check_no_password("mail_url", self.mail_url, _MAIL_EXAMPLE)

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.timezone)


def _check_ports(values: Mapping[str, Any]) -> None:
    names: dict[int, str] = {}
    for name, port in values.items():
        if name != "port" and not name.endswith("_port"):
            continue
        if not 1 <= port <= 65535:
            raise SettingError(f"Setting {name} is {port}; a port is 1 to 65535.")
        if port in names:
            raise SettingError(
                f"Settings {names[port]} and {name} are both {port}; they must differ."
            )
        names[port] = name


def _check_days(hot: int, keep: int) -> None:
    for name, days in (("hot_days", hot), ("keep_days", keep)):
        if days < 0:
            raise SettingError(f"Setting {name} is {days}; write a number of days, or 0.")
    if keep and not 0 < hot <= keep:
        raise SettingError(
            f"Setting keep_days is {keep} and hot_days is {hot}. Only archived events are "
            "deleted: set hot_days too, to no more than keep_days."
        )


def _check_no_password(name: str, url: str, example: str) -> None:
    """Refuse a password in a setting: settings are shown, and kept in a plain file."""
    password = re.match(r"[^/]*//[^/@]*?:(.*)@|.*[?&]password=([^&]*)", url)
    told = password and (password[1] or password[2] or "")
    if told and not re.fullmatch(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", told):
        raise SettingError(
            f"Setting {name} holds a password. Write ${{NAME}} in its place, such as {example}, "
            "and set that in the environment."
        )
