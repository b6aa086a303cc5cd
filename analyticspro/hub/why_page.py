"""The page that answers why somebody sees something, or not."""

from __future__ import annotations

from functools import partial
from typing import Any

from analyticspro.accounts import Person
from analyticspro.errors import AnalyticsProError
from analyticspro.hub.asking_api import ask_api
from analyticspro.hub.holders import choices
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability

__all__ = ["Why"]


class Why(Page, needs=Capability.OWN_ACCOUNT):
    """Everybody asks about themselves; who manages people asks about anybody."""

    async def get(self) -> None:
        """Show the form, and the answer if something was asked."""
        what = self.get_query_argument("what", "")[:500]
        mine = f"person:{self.entered.person.username}"
        who = self.get_query_argument("who", mine) if self.may(Capability.USERS_WRITE) else mine
        values: dict[str, Any] = {"what": what, "who": who, "answer": None, **await self._offered()}
        if not what.strip():
            await self.show("policies/why", **values)
            return
        body = {"what": what, "who": who.partition(":")[2] or who, "by": self.current_user.name}
        try:
            answer = await ask_api(self.reception.home, "/v1/explain", body)
        except AnalyticsProError as error:
            await self.show_error("policies/why", error, **values)
            return
        await self.show("policies/why", **(values | {"answer": answer}))

    async def _offered(self) -> dict[str, Any]:
        people: list[Person] = []
        if self.may(Capability.USERS_WRITE):
            people = await self.reception.read(self.reception.accounts.directory.all)
        return {
            "choices": choices(people) if people else {},
            "names": await self.reception.read(partial(_names)),
        }


def _names() -> list[tuple[str, str]]:
    """Return what is offered to ask about: as it is written, and which kind it is."""
    from analyticspro.policies.asked import Kind, names  # with the catalogue

    prefixed = (Kind.DIMENSION, Kind.TAG)
    return [
        (f"{kind} {name}" if kind in prefixed else name, str(kind))
        for kind, known in names().items()
        for name in known
    ]
