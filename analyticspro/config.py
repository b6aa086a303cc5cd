"""Where a workspace lives, and its settings.

Everything of one workspace is in one folder, its home, readable by its owner alone:

    settings.toml       what a person may change (see `Settings`)
    sources.toml        the sources to sync
    token               secret of the api, made at first start
    warehouse.duckdb    the data; only the api opens it
    state.db            schedules, their runs, who changed them
    archive/ erasures/  events of long ago; receipts of who was erased
    run/ logs/ backups/ reports/ notebooks/

A setting is taken from the environment (`ANALYTICSPRO_PORT=9000`), else from
settings.toml, else from its default.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analyticspro.errors import DefinitionError, SettingError, UnknownName
from analyticspro.grain import WeekStart
from analyticspro.money import exponent

__all__ = ["Home", "Settings", "environment"]


_SHORTEST_TOKEN = 16
_STATE_EXAMPLE = "postgresql://analyticspro:${STATE_PASSWORD}@db/analyticspro"
_MAIL_EXAMPLE = "smtp+starttls://analyticspro:${MAIL_PASSWORD}@mail.example:587"
# Files among the zones that name no place: each machine means something else by them.
_NO_ZONES = ("localtime", "posixrules", "Factory")


def environment() -> Mapping[str, str]:
    """Return the process environment; nothing else in the library reads `os.environ`."""
    return os.environ


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
    port: int = field(default=8750, metadata={"help": "Port of the pages, the one to open."})
    api_port: int = field(default=8751, metadata={"help": "Port of the api."})
    hub_port: int = field(
        default=8752, metadata={"help": "Port of sign-in and of people's JupyterLab: the proxy's."}
    )
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
        _check_days(self.hot_days, self.keep_days)
        _check_no_password("state_url", self.state_url, _STATE_EXAMPLE)
        _check_no_password("mail_url", self.mail_url, _MAIL_EXAMPLE)

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Home:
    """The folder of one workspace."""

    path: Path

    @classmethod
    def find(cls, path: str | os.PathLike[str] | None = None) -> Home:
        """Return the home at `path`, else at `ANALYTICSPRO_HOME`, else `~/.analyticspro`."""
        chosen = path or environment().get("ANALYTICSPRO_HOME") or "~/.analyticspro"
        return cls(Path(chosen).expanduser().absolute())

    def prepare(self) -> Home:
        """Make the folder and its token if they are missing, for the owner's eyes only."""
        try:
            for name in ("", "run", "logs", "backups", "reports", "notebooks"):
                folder = self.path / name
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o700)  # it was there before, open to others
            if not self.token_file.exists():
                self.make_secret(self.token_file)
        except OSError as error:
            raise SettingError(
                f"{self.path} cannot be used as a workspace: {error.strerror} "
                f"({error.filename}). Choose another with --home or ANALYTICSPRO_HOME."
            ) from None
        return self

    def make_secret(self, file: Path) -> None:
        """Put a new secret into `file` of this home, whole or not at all, unless one is there."""
        descriptor, draft = tempfile.mkstemp(prefix=f"{file.name}.", dir=self.path)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_urlsafe(32))
                stream.flush()
                os.fsync(descriptor)
            os.link(draft, file)
        except FileExistsError:
            pass  # another process made it first: theirs stands
        finally:
            os.unlink(draft)

    @property
    def settings_file(self) -> Path:
        """What a person may change."""
        return self.path / "settings.toml"

    @property
    def sources_file(self) -> Path:
        """The sources to sync."""
        return self.path / "sources.toml"

    @property
    def token_file(self) -> Path:
        """The api's secret."""
        return self.path / "token"

    @property
    def warehouse_file(self) -> Path:
        """The data."""
        return self.path / "warehouse.duckdb"

    @property
    def state_address(self) -> str:
        """Where schedules and the like are kept: what `State.open` takes."""
        return self.settings.state_url or str(self.path / "state.db")

    @property
    def api_file(self) -> Path:
        """Written by a running api: its address and process id."""
        return self.path / "run" / "api.json"

    @cached_property
    def settings(self) -> Settings:
        """The settings in force, read once."""
        file = self.settings_file
        return _settings(_read_toml(file), str(file), environment())

    def token(self) -> str:
        """Return the api's secret; raises SettingError if others could read it, or guess it."""
        try:
            mode = self.token_file.stat().st_mode
            text = self.token_file.read_text().strip()
        except FileNotFoundError:
            raise SettingError(
                f"There is no workspace at {self.path}. Start one with "
                f"'analyticspro --home {self.path} up'."
            ) from None
        except PermissionError:
            raise SettingError(
                f"{self.token_file} belongs to another account; only the one that owns the "
                "workspace may use it directly."
            ) from None
        if mode & 0o077:
            raise SettingError(
                f"{self.token_file} can be read by others. Run 'chmod 600 {self.token_file}'."
            )
        if len(text) < _SHORTEST_TOKEN:
            raise SettingError(
                f"{self.token_file} holds no usable token. Delete it; the next start makes "
                "a new one."
            )
        return text

    def write_settings(self, **changes: object) -> None:
        """Write `changes` into settings.toml, keeping what else stands there."""
        known = _read_toml(self.settings_file)
        merged = known | {name: value for name, value in changes.items() if value is not None}
        _settings(merged, str(self.settings_file), {})
        lines = ["# AnalyticsPro settings; what is left out has its default.", ""]
        for item in fields(Settings):
            lines.append(f"# {item.metadata['help']}")
            if item.name in merged:
                lines.append(f"{item.name} = {_toml(merged[item.name])}")
            else:
                lines.append(f"# {item.name} = {_toml(item.default)}")
            lines.append("")
        draft = self.settings_file.with_suffix(".new")
        draft.write_text("\n".join(lines), encoding="utf-8")
        draft.replace(self.settings_file)
        self.__dict__.pop("settings", None)


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


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.") from None


def _settings(given: Mapping[str, Any], file: str, environ: Mapping[str, str]) -> Settings:
    types = {item.name: type(item.default) for item in fields(Settings)}
    for name in given:
        if name not in types:
            raise UnknownName.of("setting", name, types, where=file)
    values: dict[str, Any] = {}
    for name, kind in types.items():
        text = environ.get(f"ANALYTICSPRO_{name.upper()}")
        if text is not None:
            values[name] = _from_text(name, text, kind)
        elif name in given:
            if type(given[name]) is not kind:
                raise SettingError(
                    f"Setting {name} in {file} is {given[name]!r}; it must be "
                    f"{ {str: 'text', int: 'a whole number', bool: 'true or false'}[kind] }."
                )
            values[name] = given[name]
    return Settings(**values)


def _from_text(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.casefold() not in ("true", "false"):
            raise SettingError(f"ANALYTICSPRO_{name.upper()} is {text!r}; write true or false.")
        return text.casefold() == "true"
    try:
        return kind(text)
    except ValueError:
        raise SettingError(
            f"ANALYTICSPRO_{name.upper()} is {text!r}; it must be a whole number."
        ) from None


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    # TOML escapes text as JSON does, and DEL besides.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
