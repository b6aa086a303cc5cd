"""The hub's configuration; who may do what comes from the permission table alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyticspro.config import Addresses, Home, hub_folder, secret
from analyticspro.hub.authenticator import AccountsAuthenticator
from analyticspro.hub.database import address
from analyticspro.hub.menu import Menu
from analyticspro.hub.routes import LOOK
from analyticspro.hub.spawner import SandboxSpawner
from analyticspro.isolation import check
from analyticspro.policy import custom_scopes, load_roles

__all__ = ["ExternalService", "configure", "services"]

_LOOK_AT_PROXY_EVERY_S = 3
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class ExternalService:
    """A process that asks the hub who somebody is, and runs whether the hub does or not.

    Attributes:
        name: Its name, also of the file in the home's folder `hub` that has its token.
        url: Where it answers; the proxy leads `/services/NAME/` there.
        redirect: Where people come back to from the sign-in; below `/services/NAME/` if empty.
        routes: What the proxy leads there besides.
        carries: The scopes that a person's token for it has, where the person has them.
    """

    name: str
    url: str
    redirect: str = ""
    routes: tuple[str, ...] = ()
    carries: tuple[str, ...] = ()


def services(home: Home) -> tuple[ExternalService, ...]:
    """Return the services of a home that the hub knows."""
    addresses, settings = Addresses.of(home), home.settings
    host = addresses.inner_host
    shown = f"[{host}]" if ":" in host else host
    return (
        ExternalService("api", f"http://{shown}:{settings.api_port}"),
        ExternalService(
            "dashboards",
            f"http://{shown}:{settings.port}",
            redirect=f"{addresses.pages}/oauth_callback",
            routes=addresses.page_routes,
            carries=tuple(custom_scopes()),
        ),
    )


def configure(c: Any, home: Home) -> None:
    """Fill in traitlets' configuration object for the hub of a home.

    People sign in by their account. Another `c.JupyterHub.authenticator_class` may be set
    after this; the groups that it tells of are the roles.

    Args:
        c: What `get_config()` returns in a configuration file.
        home: The workspace.

    Raises:
        SettingError: The settings would let other machines in unencrypted, or contradict.
    """
    addresses = Addresses.of(home)
    folder = hub_folder(home)
    _reach(c, home, addresses)
    _permissions(c, services(home), home)
    c.JupyterHub.db_url = address(home)
    c.JupyterHub.cookie_secret_file = str(folder / "cookie-secret")
    c.JupyterHub.template_paths = [str(_TEMPLATES)]
    c.JupyterHub.template_vars = {"menu": Menu(addresses)}
    c.JupyterHub.extra_handlers = list(LOOK)
    # To a page that everybody has, not to a server that most have not.
    c.JupyterHub.redirect_to_server = False
    c.JupyterHub.authenticator_class = AccountsAuthenticator
    c.AccountsAuthenticator.workspace = str(home.path.resolve())
    # Who signs in is in the group of one role. The hub makes the groups that its roles name, and
    # refuses to be given any besides an authenticator that knows who is in which.
    c.Authenticator.manage_groups = True
    c.Authenticator.allow_all = True  # whoever the authenticator says has signed in
    _labs(c, home, addresses)


def _reach(c: Any, home: Home, addresses: Addresses) -> None:
    c.JupyterHub.bind_url = addresses.bind
    c.JupyterHub.hub_bind_url = addresses.hub
    c.JupyterHub.public_url = f"{addresses.public}/"
    if addresses.lab_host:
        c.JupyterHub.subdomain_host = addresses.lab_host
    c.JupyterHub.proxy_class = "configurable-http-proxy"
    # It is started beside the hub, so that pages stay open while the hub starts again.
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = addresses.proxy_api
    c.ConfigurableHTTPProxy.auth_token = secret(home, "proxy")
    # It may start again without the hub, and knows no way then. The hub looks as often as this.
    c.JupyterHub.last_activity_interval = _LOOK_AT_PROXY_EVERY_S


def _permissions(c: Any, known: Sequence[ExternalService], home: Home) -> None:
    names = [service.name for service in known]
    c.JupyterHub.custom_scopes = custom_scopes()
    c.JupyterHub.load_roles = load_roles(services=names)
    c.JupyterHub.services = [
        {
            "name": service.name,
            "url": service.url,
            "api_token": secret(home, service.name),
            "oauth_client_id": f"service-{service.name}",
            "timeout": 1,  # seconds the hub looks for it at its start; it may come later
            "oauth_no_confirm": True,  # it is ours: nobody is to be asked whether to trust it
            **({"oauth_redirect_uri": service.redirect} if service.redirect else {}),
            **_carried(service),
        }
        for service in known
    ]
    c.ConfigurableHTTPProxy.extra_routes = {
        route: service.url for service in known for route in service.routes
    }
    # The hub's own admins could start anybody's server; ours are people of a group.
    c.Authenticator.admin_users = set()


def _carried(service: ExternalService) -> dict[str, Any]:
    reach = f"access:services!service={service.name}"
    return {"oauth_client_allowed_scopes": [reach, *service.carries]} if service.carries else {}


def _labs(c: Any, home: Home, addresses: Addresses) -> None:
    c.JupyterHub.spawner_class = SandboxSpawner
    c.JupyterHub.allow_named_servers = False
    verdict = check()
    c.SandboxSpawner.workspace = str(home.path.resolve())
    c.SandboxSpawner.obstacle = "" if verdict.holds else f"{verdict.found}. {verdict.cure}"
    settings = home.settings
    c.SandboxSpawner.hub_api_port = settings.hub_api_port
    c.SandboxSpawner.api_port = settings.api_port
    c.SandboxSpawner.api_host = _reached(settings.host)
    c.SandboxSpawner.default_url = "/lab"


def _reached(host: str) -> str:
    """Return where what listens on `host` is reached on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
