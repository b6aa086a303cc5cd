"""The page of the workspace's settings: what they are, what is in force, what waits for a start."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from analyticspro.accounts import Rules
from analyticspro.config import Addresses, Home, Settings, environment
from analyticspro.errors import AnalyticsProError, DefinitionError, SettingError
from analyticspro.hub.pages import Page
from analyticspro.packages import Index
from analyticspro.policy import Capability
from analyticspro.scheduling import Cron

__all__ = ["ELSEWHERE", "GROUPS", "SettingsPage"]

GROUPS: dict[str, tuple[str, ...]] = {
    "Workspace": ("name", "timezone", "week_start", "currency"),
    "Joining": ("sign_up", "sign_up_domains"),
    "Keeping": ("backup_at", "backups_kept", "hot_days", "keep_days"),
    "Machine": ("memory_mb",),
    "Packages": ("package_index", "package_hosts"),
    "Addresses": (
        "public_url", "host", "port", "hub_port", "api_port", "hub_api_port", "proxy_api_port",
        "lab_host_names", "tls_certificate", "tls_key", "allow_remote",
    ),
}  # fmt: skip
# On a page of their own; moved with the database by whoever has the machine; of no person's choice;
# what a provider must be asked for first (docs/oidc.md): wrong, nobody could sign in to mend them.
ELSEWHERE = (
    "mail_url", "mail_from", "state_url", "demo",
    "oidc_issuer", "oidc_client_id", "oidc_name", "oidc_role_claim", "oidc_roles",
    "oidc_default_role", "oidc_domains", "oidc_session_hours",
)  # fmt: skip
# Those that the processes look up again and again; others are read when they start.
_AT_ONCE = frozenset(GROUPS["Joining"] + GROUPS["Keeping"] + GROUPS["Packages"])
_SHORT = ("api", "mb", "tls", "url")
_CHOICES = {"sign_up": ("open", "approval", "invited"), "week_start": ("monday", "sunday")}
_HELP = {item.name: item.metadata["help"] for item in fields(Settings)}


@dataclass(frozen=True)
class _Field:
    """One setting as it is shown.

    Attributes:
        value: Of settings.toml, or what was typed in its place.
        waits: What is in force until the next start, where that is something else; else empty.
        is_given: Whether the environment says it, so that it cannot be changed here.
    """

    name: str
    title: str
    help: str
    value: Any
    choices: tuple[str, ...]
    waits: str
    at_once: bool
    is_given: bool


class SettingsPage(Page, needs=Capability.SETTINGS_WRITE):
    """The settings, in groups."""

    async def get(self) -> None:
        """Show them."""
        done = "The settings are written." if self.get_query_argument("done", "") else ""
        await self._show(done=done)

    async def post(self) -> None:
        """Check and write one group of them."""
        group = self.typed("group")
        try:
            if group not in GROUPS:
                raise DefinitionError("This cannot be done here. Load the page again.")
            home = self._home()
            changes = self._changes(home.settings, GROUPS[group])
            _check(home, changes)
            consequence = _consequence(group, home.settings, changes)
            if consequence and not self.is_sure:
                told = ", ".join(f"{name} to {value!r}" for name, value in changes.items())
                await self.ask(
                    f"Change {told}?", consequence, button="Write the settings", back="settings"
                )
                return
            await self._write(home, changes)
        except AnalyticsProError as error:
            await self._show(error, group=group)
            return
        self.lead_to("settings?done=yes")

    async def _write(self, home: Home, changes: dict[str, Any]) -> None:
        before = home.settings
        await self.reception.read(lambda: home.write_settings(**changes))
        self.reception.follow_settings()
        for name, value in changes.items():
            told = f"{getattr(before, name)!r} → {value!r}"
            await self.reception.note(self.actor(), "settings.change", name, told)

    def _changes(self, now: Settings, names: tuple[str, ...]) -> dict[str, Any]:
        """Return what was typed and is not so already, each of its setting's type."""
        changes: dict[str, Any] = {}
        for name in names:
            if _is_given(name):
                continue
            known, text = getattr(now, name), self.typed(name).strip()
            value: Any = text
            if isinstance(known, bool):
                value = text == "yes"
            elif isinstance(known, int):
                if not re.fullmatch(r"[0-9]{1,9}", text):
                    raise SettingError(f"Setting {name} is {text!r}; it must be a whole number.")
                value = int(text)
            if value != known:
                changes[name] = value
        return changes

    def _home(self) -> Home:
        return Home(self.reception.home.path)  # its settings are read once

    async def _show(
        self, error: AnalyticsProError | None = None, *, group: str = "", done: str = ""
    ) -> None:
        now = self._home().settings
        shown = {
            title: [self._field(name, now, is_typed=title == group) for name in names]
            for title, names in GROUPS.items()
        }
        values: dict[str, Any] = {"groups": shown, "done": done, "state_url": now.state_url}
        values["file"] = self.reception.home.settings_file
        if error is None:
            await self.show("settings/all", **values)
            return
        named = re.match(r"Settings? (\w+)", str(error))
        await self.show_error(
            "settings/all", error, **values, wrong=named[1] if named else "", failed=group
        )

    def _field(self, name: str, now: Settings, *, is_typed: bool) -> _Field:
        value = getattr(now, name)
        at_start = getattr(self.reception.home.settings, name)
        waits = "" if name in _AT_ONCE or value == at_start else f"{at_start}"
        if is_typed and not _is_given(name):
            text = self.typed(name)
            value = text == "yes" if isinstance(value, bool) else text
        return _Field(
            name,
            _titled(name),
            _HELP[name],
            value,
            _CHOICES.get(name, ()),
            waits,
            name in _AT_ONCE,
            _is_given(name),
        )


def _titled(name: str) -> str:
    """Return a setting's name as a title.

    >>> _titled("tls_key"), _titled("public_url")
    ('TLS key', 'Public URL')
    """
    words = [word.upper() if word in _SHORT else word for word in name.split("_")]
    title = " ".join(words)
    return title[0].upper() + title[1:]


def _check(home: Home, changes: dict[str, Any]) -> None:
    """Check all that is checked where a process starts: what it would refuse is not written."""
    other = home.imagined(**changes)
    settings = other.settings
    Rules.parse(settings.sign_up, settings.sign_up_domains)
    if settings.backup_at:
        try:
            Cron(settings.backup_at, settings.timezone)
        except DefinitionError as error:
            raise SettingError(f"Setting backup_at: {error}") from None
    Index.parse(settings.package_index, settings.package_hosts)
    Addresses.of(other)
    for name in ("tls_certificate", "tls_key"):
        file = getattr(settings, name)
        if file and name in changes and not Path(file).is_file():
            raise SettingError(f"Setting {name} is {file!r}, and there is no such file.")


def _consequence(group: str, now: Settings, changes: dict[str, Any]) -> str:
    """Return what may be lost by the changes; empty if nothing."""
    keep = changes.get("keep_days", now.keep_days)
    if keep and (not now.keep_days or keep < now.keep_days):
        return (
            f"Every night, archived months older than {keep} days are deleted for good, those of "
            "today too. Sums of them are kept. They cannot be had back but from a backup."
        )
    if group == "Addresses" and changes:
        return (
            "From the next start on, people reach this workspace there and nowhere else. With a "
            "wrong address nobody gets in until settings.toml is mended on the machine."
        )
    return ""


def _is_given(name: str) -> bool:
    return f"ANALYTICSPRO_{name.upper()}" in environment()
