"""Chooses the way to a workspace."""

from __future__ import annotations

from analyticspro.client.local import Local
from analyticspro.client.presence import presence
from analyticspro.client.remote import Remote
from analyticspro.client.transport import Transport
from analyticspro.config import Home

__all__ = ["reach"]


def reach(home: Home) -> Transport:
    """Return the way to reach `home`: its api if that answers, else opening it oneself.

    Raises:
        SettingError: There is no workspace at `home`, or it belongs to another account.
    """
    token = home.token()
    found = presence(home)
    if found is not None:
        remote = Remote(found.url, token)
        if remote.is_alive():
            return remote
    return Local(home)
