"""Where the hub, its proxy and the services behind it answer."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from analyticspro.config.home import Home
from analyticspro.errors import SettingError

__all__ = ["Addresses", "is_loopback"]

# What of the hub's own host the pages have, where they have no host name of their own. The
# hub itself is below /hub/, people's servers below /user/.
_PAGE_PATHS = ("/dashboards/", "/signin/", "/signout/", "/oauth_callback/", "/voila/", "/assets/",
               "/api/kernels/", "/view-as/")  # fmt: skip
# Said as the hub names the host of a service: no person's can be the same.
_PAGE_HOST = "dashboards--service"


@dataclass(frozen=True)
class Addresses:
    """Addresses of one workspace's hub.

    Attributes:
        bind: What the proxy listens on, the only one that other machines may reach.
        public: What people open.
        lab_host: Where host names of Labs hang below, as scheme and host; empty if they have
            none of their own.
        pages: What the addresses of dashboards begin with. They have a host name of their own
            where Labs have: what a notebook shows must not act on the hub's pages.
        page_routes: What leads to the page server, as the hub's proxy is told.
        inner_host: What the services behind the proxy listen on: loopback, unless others are to
            reach them unencrypted.
        hub: What the hub itself listens on, on loopback.
        proxy_api: Where the hub tells the proxy what leads where, on loopback.
        certificate: TLS certificate and key of the proxy; None without TLS.
    """

    bind: str
    public: str
    lab_host: str
    pages: str
    page_routes: tuple[str, ...]
    inner_host: str
    hub: str
    proxy_api: str
    certificate: tuple[str, str] | None

    @classmethod
    def of(cls, home: Home) -> Addresses:
        """Return those that a home's settings say.

        Raises:
            SettingError: They would let other machines in unencrypted, or contradict.
        """
        settings = home.settings
        certificate = _certificate(home)
        _check_reach(home, is_encrypted=certificate is not None)
        scheme = "https" if certificate else "http"
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        local = f"{scheme}://localhost:{settings.hub_port}"
        public = settings.public_url.rstrip("/") or (
            local if is_loopback(settings.host) else f"{scheme}://{shown}:{settings.hub_port}"
        )
        # Browsers take every *.localhost for this machine; other names need DNS.
        named = settings.lab_host_names or urlsplit(public).hostname == "localhost"
        parts = urlsplit(public)
        own_host = f"{_PAGE_HOST}.{parts.hostname}"
        is_open = is_loopback(settings.host) or settings.allow_remote
        inner = settings.host if is_open else "127.0.0.1"
        return cls(
            bind=f"{scheme}://{shown}:{settings.hub_port}",
            public=public,
            lab_host=public if named else "",
            pages=f"{parts.scheme}://{_PAGE_HOST}.{parts.netloc}" if named else public,
            page_routes=(f"{own_host}/",) if named else _PAGE_PATHS,
            inner_host=inner,
            hub=f"http://127.0.0.1:{settings.hub_api_port}",
            proxy_api=f"http://127.0.0.1:{settings.proxy_api_port}",
            certificate=certificate,
        )


def _certificate(home: Home) -> tuple[str, str] | None:
    settings = home.settings
    if not settings.tls_certificate and not settings.tls_key:
        return None
    if not (settings.tls_certificate and settings.tls_key):
        raise SettingError(
            f"Of tls_certificate and tls_key in {home.settings_file} only one is set. Set both."
        )
    return settings.tls_certificate, settings.tls_key


def _check_reach(home: Home, *, is_encrypted: bool) -> None:
    settings = home.settings
    if not (is_loopback(settings.host) or is_encrypted or settings.allow_remote):
        raise SettingError(
            f"Setting host is {settings.host!r}, which other machines can reach, and nothing "
            f"encrypts passwords on their way. Set tls_certificate and tls_key in "
            f"{home.settings_file}, or, behind a proxy that encrypts, allow_remote = true."
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what listens on `host`.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
