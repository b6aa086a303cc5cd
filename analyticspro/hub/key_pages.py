"""Pages of API keys: one's own for everybody, all of them for admins, and the write keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from analyticspro.accounts import Person
from analyticspro.errors import AnalyticsProError, DefinitionError
from analyticspro.hub.keys import Key, Keys, may_be_given
from analyticspro.hub.pages import Page
from analyticspro.policy import Capability, Role, permission

__all__ = ["AllKeys", "OwnKeys", "Tokens", "key_tabs"]

_LIVES = {"7": "a week", "30": "30 days", "90": "90 days", "365": "a year"}
_REVOKED = "The key is revoked. It is refused everywhere within 10 seconds."


def key_tabs(page: Page) -> list[tuple[str, str]]:
    """Return which pages of keys whoever is signed in may open."""
    tabs = [("keys", "Yours")]
    if page.may(Capability.USERS_WRITE):
        tabs.append(("keys/everybody", "Everybody's"))
    if page.may(Capability.SOURCES_WRITE):
        tabs.append(("keys/writing", "Write keys"))
    return tabs


class _KeyPage(Page, needs=Capability.OWN_ACCOUNT):
    where = "keys"

    async def end(self, owner: str | None) -> bool:
        """Revoke the key that the form names; False if it was only asked whether to.

        Args:
            owner: Whose it has to be; anybody's if None.

        Raises:
            UnknownName: There is no such key of theirs.
        """
        keys, number = Keys(self.db), self.typed("key")
        key = keys.get(int(number) if number.isdecimal() and len(number) < 10 else 0, owner)
        if not self.is_sure:
            who = "" if owner else f" of {await self._called(key)}"
            await self.ask(
                f"Revoke the key {key.name}{who}?",
                "Programs that use it are refused within 10 seconds. It cannot be had back.",
                button="Revoke the key",
                back=self.where,
            )
            return False
        keys.revoke(key)
        await self.reception.note(self.actor(), "keys.revoke", key.owner, f"key {key.number}")
        self.lead_to(f"{self.where}?done=revoked")
        return True

    async def _called(self, key: Key) -> str:
        directory = self.reception.accounts.directory
        found = await self.reception.read(directory.of_username, key.owner)
        return found.name if found else key.owner

    def _done(self) -> str:
        return _REVOKED if self.get_query_argument("done", "") == "revoked" else ""


class OwnKeys(_KeyPage):
    """One's own keys."""

    async def get(self) -> None:
        """Show them."""
        await self._show(done=self._done())

    async def post(self) -> None:
        """Make a key, and show it this once; or revoke one."""
        what, person = self.typed("do"), self.entered.person
        try:
            if what == "revoke":
                await self.end(person.username)
                return
            if what != "make":
                raise DefinitionError("This cannot be done here. Load the page again.")
            key, text = await self._made(person)
        except AnalyticsProError as error:
            await self._show(error)
            return
        await self._show(made=key, text=text)

    async def _made(self, person: Person) -> tuple[Key, str]:
        days, keys = self.typed("days"), Keys(self.db)
        life = timedelta(days=int(days) if days in _LIVES else 0)
        chosen = self.get_body_arguments("allows")
        made, text = keys.make(
            self.current_user, Role(person.role), self.typed("name"), chosen, life
        )
        told = f"key {made.number}: {', '.join(made.allows or ())} until {made.expires_at:%Y-%m-%d}"
        try:
            await self.reception.note(self.actor(), "keys.make", person.username, told)
        except AnalyticsProError:
            keys.revoke(made)  # none works that the audit log does not know
            raise
        return made, text

    async def _show(self, error: AnalyticsProError | None = None, **more: object) -> None:
        person = self.entered.person
        values: dict[str, Any] = {
            "keys": Keys(self.db).all(person.username),
            "choices": [permission(one) for one in may_be_given(Role(person.role))],
            "chosen": self.get_body_arguments("allows") if error else [],
            "days": self.typed("days") if error else "90",
            "lives": _LIVES,
            "tabs": key_tabs(self),
            **more,
        }
        if error is None:
            await self.show("keys/own", **values)
        else:
            await self.show_error("keys/own", error, **values)


class Tokens(Page, needs=Capability.OWN_ACCOUNT):
    """Where the hub has a page of its own for the same."""

    async def get(self) -> None:
        """Lead to ours."""
        self.redirect(f"{self.hub.base_url}keys")


class AllKeys(_KeyPage, needs=Capability.USERS_WRITE):
    """Everybody's keys, for who manages people."""

    where = "keys/everybody"

    async def get(self) -> None:
        """Show them."""
        await self._show(done=self._done())

    async def post(self) -> None:
        """Revoke one."""
        try:
            await self.end(None)
        except AnalyticsProError as error:
            await self._show(error)

    async def _show(self, error: AnalyticsProError | None = None, **more: object) -> None:
        everybody = await self.reception.read(self.reception.accounts.directory.all)
        values: dict[str, Any] = {
            "keys": Keys(self.db).all(),
            "people": {one.username: one for one in everybody},
            "tabs": key_tabs(self),
            **more,
        }
        if error is None:
            await self.show("keys/everybody", **values)
        else:
            await self.show_error("keys/everybody", error, **values)
