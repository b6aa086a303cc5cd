"""Ends the Lab of whoever may have none any more."""

from __future__ import annotations

import asyncio
from typing import Any

from analyticspro.hub.reception import Reception
from analyticspro.policy import Capability, Role, capabilities_of

__all__ = ["end_labs"]


async def end_labs(hub: Any, reception: Reception) -> None:
    """End each running Lab whose person was removed, or has a role that has none.

    Its kernels end with it: what they could reach, they could reach by the person's right.

    Args:
        hub: The running `JupyterHub`.
        reception: The accounts.
    """
    running = [user for user in list(hub.users.values()) if user.spawner.ready]
    # Side by side: each may take its time, and all have to end soon.
    await asyncio.gather(*(_end_unless_allowed(hub, reception, user) for user in running))


async def _end_unless_allowed(hub: Any, reception: Reception, user: Any) -> None:
    person = await reception.person(user.name)
    if person and Capability.SERVERS in capabilities_of(Role(person.role)):
        return
    hub.log.warning("The Lab of %s ends: it may have none any more", user.name)
    try:
        await hub.proxy.delete_user(user)
    finally:
        await user.stop()
