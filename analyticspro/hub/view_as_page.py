"""The page from which an admin looks at the dashboards as somebody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.asking_api import ask_api
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability

__all__ = ["ViewAs"]


class ViewAs(Page, needs=Capability.USERS_WRITE):
    """Choose a person; the dashboards then show what that person sees, for half an hour."""

    async def get(self) -> None:
        """Show who can be chosen."""
        await self._show(self.get_query_argument("who", ""))

    async def post(self) -> None:
        """Begin, and lead to the dashboards."""
        who = self.typed("who")
        try:
            if not who:
                raise DefinitionError("Nobody is chosen. Say as whom you want to look.")
            asked = {"who": who, "by": self.current_user.name, "origin": self.origin}
            begun = await ask_api(self.reception.home, "/v1/viewings", asked)
        except AnalyticsProError as error:
            await self._show(who, error)
            return
        # The dashboards keep it in a cookie of theirs; to anybody but this admin it is nothing.
        pages = self.reception.addresses.pages
        self.redirect(f"{pages}/view-as/?ticket={quote(begun['ticket'])}")

    async def _show(self, who: str, error: AnalyticsProError | None = None) -> None:
        everybody = await self.reception.read(self.reception.accounts.directory.all)
        me = self.entered.person.id
        people = sorted(
            (one for one in everybody if one.id != me), key=lambda one: one.name.casefold()
        )
        values: dict[str, Any] = {"people": people, "who": who}
        if error is None:
            await self.show("policies/view_as", **values)
        else:
            await self.show_error("policies/view_as", error, **values)
