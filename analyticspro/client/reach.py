"""Chooses the way to a workspace."""

from __future__ import annotations

from analyticspro import composing
from analyticspro.client.local import Local
from analyticspro.client.presence import presence
from analyticspro.client.remote import Remote
from analyticspro.client.transport import Transport
from analyticspro.client.viewing import headers_of
from analyticspro.config import Home, environment
from analyticspro.errors import ServiceUnavailable, SettingError

__all__ = ["from_lab", "reach"]


def reach(home: Home) -> Transport:
    """Return the way to reach `home`: its api if that answers, else opening it oneself.

    Where the environment has a token (`ANALYTICSPRO_TOKEN`), its person asks, by the api alone.

    Raises:
        ServiceUnavailable: A person asks, and the api does not run.
        SettingError: There is no workspace at `home`, or it belongs to another account.
        NotDeclared: This process composes a page, and may read no data.
    """
    if composing.is_on():
        composing.refuse("it reads data in Python")
    found, person = presence(home), environment().get("ANALYTICSPRO_TOKEN")
    if person:
        if found is None:
            raise ServiceUnavailable(
                "The api does not run. An admin starts it with 'analyticspro up'."
            )
        return Remote(found.url, person, headers_of(environment()))
    token = home.token()
    if found is not None:
        remote = Remote(found.url, token, headers_of(environment()))
        if remote.is_alive():
            return remote
    return Local(home)


def from_lab() -> Transport | None:
    """Return the way from a person's Lab, with that person's rights; None outside of Labs.

    The hub gives each Lab a token, and says where the api answers there. A workspace that is
    named, by ANALYTICSPRO_HOME too, goes before.

    Raises:
        SettingError: The hub gave this Lab no token.
    """
    found = environment()
    address = found.get("ANALYTICSPRO_LAB_API")
    if not address or found.get("ANALYTICSPRO_HOME"):
        return None
    token = found.get("JUPYTERHUB_API_TOKEN")
    if not token:
        raise SettingError(
            "JUPYTERHUB_API_TOKEN is not set, by which the api knows whose Lab this is. Stop and "
            "start JupyterLab; do not change that variable."
        )
    return Remote(address, token)
