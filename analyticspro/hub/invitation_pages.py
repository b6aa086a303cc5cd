"""The page for who invites others."""

from __future__ import annotations

from typing import Any

from analyticspro import clock
from analyticspro.accounts import OneTime
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability, Role

__all__ = ["Invitations"]


class Invitations(Page, needs=Capability.USERS_WRITE):
    """Invitations that nobody has taken up; new ones; and taking one back."""

    async def get(self) -> None:
        """Show them."""
        withdrawn = self.get_query_argument("done", "") == "withdrawn"
        await self._show(done="The invitation is taken back." if withdrawn else "")

    async def post(self) -> None:
        """Invite somebody, or take an invitation back."""
        what, email = self.typed("do"), self.typed("email")
        joining = self.reception.accounts.joining
        if what == "withdraw" and not self.is_sure:
            await self.ask(
                f"Take back the invitation of {email}?",
                "Its link stops working at once. You can invite the same address again.",
                button="Take it back",
                back="people/invitations",
            )
            return
        try:
            if what == "withdraw":
                await self.reception.do(joining.withdraw, email, by=self.actor())
                self.lead_to("people/invitations?done=withdrawn")
                return
            if what != "invite":
                raise DefinitionError("This cannot be done here. Load the page again.")
            role = Role.of(self.typed("role"))
            link = await self.reception.do(joining.invite, email, role, by=self.actor())
        except AnalyticsProError as error:
            await self._show(error)
            return
        await self._show(link=link)

    async def _show(
        self, error: AnalyticsProError | None = None, *, link: OneTime | None = None, done: str = ""
    ) -> None:
        accounts = self.reception.accounts
        everybody = await self.reception.read(accounts.directory.all)
        values: dict[str, Any] = {
            "invitations": await self.reception.read(accounts.joining.invitations),
            "names": {one.username: one.name for one in everybody},
            "now": clock.now(),
            "roles": [Role.VIEWER, Role.ANALYST, Role.MANAGER, Role.ADMIN],
            "chosen": self.typed("role") if error else "",
            "link": link,
            "done": done,
        }
        if error is None:
            await self.show("people/invitations", **values)
        else:
            await self.show_error("people/invitations", error, **values)
